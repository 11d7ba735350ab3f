package cli

// column is a column of a table and what becomes of it on a terminal that is narrower
// than its table.
type column struct {
	name string
	fit  fit
	// least is the width that the column never goes below. It is never less than what its
	// header needs.
	least int
	// rank orders the columns: 1 gives way first.
	rank int
	// tabs says that its texts are lines of files, whose tabs a pipe gets as they are. Only
	// the last column can have them.
	tabs bool
}

// fit says how a column gives way.
type fit int

const (
	// whole is for short words and numbers. They are never cut; when there is no room for
	// them they go below their row.
	whole fit = iota
	// copied is for the names and ids that people copy. They are never cut and never leave
	// their row; one that is longer than its column has a line for itself.
	copied
	// cutting is for what only helps to recognise a row. It is cut, and ends with "…".
	cutting
	// wrapping is for sentences and lists. They go on in further lines of their column.
	wrapping
)

// The tables of appbur. A pipe gets all of their columns, uncut.
var (
	pointsListColumns = []column{
		{name: "id", fit: copied},
		{name: "taken", rank: 4},
		{name: "kubernetes", rank: 1},
		{name: "objects", rank: 2},
		{name: "apps", rank: 3},
		{name: "state", rank: 5},
		{name: "drilled", rank: 6},
	}
	drillHistoryColumns = []column{
		{name: "id", fit: copied},
		{name: "began", rank: 6},
		{name: "point", fit: copied, rank: 5},
		{name: "kubernetes", rank: 3},
		{name: "outcome", rank: 7},
		{name: "recovery time", rank: 4},
		{name: "recovery point", rank: 2},
		{name: "by", rank: 1},
	}
	pointsDeleteColumns = []column{
		{name: "delete", fit: copied},
		{name: "taken", rank: 3},
		{name: "objects", rank: 1},
		{name: "apps", rank: 2},
		{name: "state", rank: 4},
	}
	pointsPruneColumns = []column{
		{name: "point", fit: copied},
		{name: "taken", rank: 1},
		{name: "state", rank: 2},
		{name: "verdict", rank: 4},
		{name: "why", fit: wrapping, least: 24, rank: 3},
	}
	coverageColumns = []column{
		{name: "type", fit: copied, least: 24},
		{name: "version", rank: 1},
		{name: "saved", rank: 4},
		{name: "excluded", rank: 2},
		{name: "state", fit: wrapping, least: 24, rank: 3},
	}
	appsColumns = []column{
		{name: "application", fit: copied, least: 16},
		{name: "version", fit: cutting, least: 8, rank: 1},
		{name: "last point", fit: copied, least: 16},
		{name: "saved", rank: 2},
		{name: "state", rank: 3},
	}
	datasetColumns = []column{
		{name: "dataset", fit: copied, least: 12},
		{name: "schema", rank: 1},
		{name: "reads", rank: 2},
		{name: "content", fit: wrapping, least: 12, rank: 3},
		{name: "key", fit: wrapping, least: 8, rank: 4},
		{name: "notes", fit: wrapping, least: 20, rank: 5},
	}
	remotesColumns = []column{
		{name: "name", fit: copied, least: 10},
		{name: "state", fit: wrapping, least: 20, rank: 2},
		{name: "last push", rank: 1},
		{name: "url", fit: copied, least: 20},
	}
	logColumns = []column{
		{name: "commit", fit: copied},
		{name: "when", rank: 3},
		{name: "who", fit: cutting, least: 8, rank: 1},
		{name: "what", fit: cutting, least: 20, rank: 4},
		{name: "restore points", fit: wrapping, least: 17, rank: 2},
	}
	// signatureColumn is in the log when it was asked for, before the restore points.
	signatureColumn = column{name: "signature", fit: wrapping, least: 14, rank: 5}

	blameColumns = []column{
		{name: "commit", fit: copied},
		{name: "when", rank: 2},
		{name: "who", fit: cutting, least: 8, rank: 1},
		{name: "line", rank: 4},
		{name: "text", fit: wrapping, least: 20, rank: 3, tabs: true},
	}
	compatColumns = []column{
		{name: "verdict", rank: 4},
		{name: "object", fit: copied, least: 24},
		{name: "saved as", rank: 1},
		{name: "becomes", rank: 2},
		{name: "why", fit: wrapping, least: 24, rank: 3},
	}
	findingColumns = []column{
		{name: "level", rank: 5},
		{name: "object", fit: copied, least: 24},
		{name: "where", fit: copied, least: 16},
		{name: "rule", rank: 1},
		{name: "what", fit: wrapping, least: 24, rank: 4},
		{name: "do", fit: wrapping, least: 20, rank: 3},
	}
	askedColumns = []column{
		{name: "server", rank: 4},
		{name: "object", fit: copied, least: 24},
		{name: "table", rank: 2},
		{name: "server says", fit: wrapping, least: 24, rank: 3},
	}
	oldUseColumns = []column{
		{name: "in use", rank: 2},
		{name: "by", fit: copied, least: 16},
		{name: "api", fit: copied, least: 16},
		{name: "objects", rank: 1},
	}
	explainColumns = []column{
		{name: "field", fit: copied, least: 16},
		{name: "goes", rank: 3},
		{name: "rule", rank: 2},
		{name: "reason", fit: wrapping, least: 24, rank: 1},
	}
	conformanceColumns = []column{
		{name: "id", fit: copied},
		{name: "level", rank: 2},
		{name: "condition", fit: wrapping, least: 14, rank: 1},
		{name: "title", fit: wrapping, least: 24, rank: 3},
	}
	goldenColumns = []column{
		{name: "golden", fit: copied},
		{name: "recorded", rank: 1},
		{name: "supported", rank: 2},
		{name: "schemas", fit: wrapping, least: 16, rank: 3},
		{name: "verdict", fit: wrapping, least: 12, rank: 4},
	}
	gateColumns = []column{
		{name: "gate", fit: copied},
		{name: "code", rank: 1},
		{name: "result", rank: 3},
		{name: "what holds", fit: wrapping, least: 20, rank: 2},
	}
	schemaColumns = []column{
		{name: "where", fit: copied},
		{name: "effect", rank: 3},
		{name: "rule", rank: 1},
		{name: "what", fit: wrapping, least: 24, rank: 2},
	}
	settingColumns = []column{
		{name: "setting", fit: copied},
		{name: "takes", fit: wrapping, least: 10, rank: 4},
		{name: "default", fit: wrapping, least: 8, rank: 3},
		{name: "takes effect", fit: wrapping, least: 9, rank: 1},
		{name: "what it does", fit: wrapping, least: 24, rank: 2},
	}
	activateColumns = []column{
		{name: "controller", rank: 2},
		{name: "stage", rank: 1},
		{name: "object", fit: copied},
		{name: "becomes", fit: wrapping, least: 24, rank: 3},
	}
	pauseColumns = []column{
		{name: "controller", rank: 3},
		{name: "object", fit: copied},
		{name: "becomes", fit: wrapping, least: 24, rank: 2},
		{name: "or else", fit: wrapping, least: 24, rank: 1},
	}
	restoreColumns = []column{
		{name: "result", rank: 2},
		{name: "object", fit: copied, least: 24},
		{name: "why", fit: wrapping, least: 24, rank: 1},
	}
	fleetColumns = []column{
		{name: "state", rank: 3},
		{name: "cluster", fit: copied, least: 10},
		{name: "last good point", rank: 1},
		{name: "kubernetes", rank: 4},
		{name: "wrong", fit: wrapping, least: 24, rank: 2},
	}
	fleetRestoreColumn = column{name: "would restore", fit: wrapping, least: 12, rank: 5}
	statusColumns      = []column{
		{name: "state", rank: 4},
		{name: "what", fit: wrapping, least: 16, rank: 1},
		{name: "is", fit: wrapping, least: 24, rank: 3},
		{name: "do", fit: wrapping, least: 20, rank: 2},
	}
	checkColumns = []column{
		{name: "class", rank: 5},
		{name: "problem", rank: 4},
		{name: "where", fit: copied, least: 16},
		{name: "what", fit: wrapping, least: 20, rank: 3},
		{name: "affects", fit: wrapping, least: 20, rank: 2},
		{name: "hint", fit: wrapping, least: 20, rank: 1},
	}
)
