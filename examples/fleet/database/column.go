package database

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"time"
)

// Time stores a time as text in UTC, which SQLite has no type for.
type Time struct{ At *time.Time }

// Value implements [driver.Valuer].
func (t Time) Value() (driver.Value, error) { return t.At.UTC().Format(time.RFC3339Nano), nil }

// Scan implements [sql.Scanner].
func (t Time) Scan(value any) error {
	s, ok := value.(string)
	if !ok {
		return fmt.Errorf("a time is stored as %T", value)
	}
	at, err := time.Parse(time.RFC3339Nano, s)
	*t.At = at
	return err
}

// Labels stores a map as JSON text. No labels are an empty map, never null.
type Labels struct{ Map *map[string]string }

// Value implements [driver.Valuer].
func (l Labels) Value() (driver.Value, error) {
	if *l.Map == nil {
		return "{}", nil
	}
	data, err := json.Marshal(*l.Map)
	return string(data), err
}

// Scan implements [sql.Scanner].
func (l Labels) Scan(value any) error {
	s, ok := value.(string)
	if !ok {
		return fmt.Errorf("labels are stored as %T", value)
	}
	return json.Unmarshal([]byte(s), l.Map)
}
