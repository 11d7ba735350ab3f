package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// The type of a value, as SOPS writes it after "type:".
const (
	typeString = "str"
	typeInt    = "int"
	typeFloat  = "float"
	typeBool   = "bool"
	typeTime   = "time"
)

// tagTypes says which YAML scalars a sealed file may hold.
var tagTypes = map[string]string{
	"!!str":       typeString,
	"!!int":       typeInt,
	"!!float":     typeFloat,
	"!!bool":      typeBool,
	"!!timestamp": typeTime,
}

// Null is no value: it is neither encrypted nor authenticated by SOPS.
const (
	nullTag  = "!!null"
	mergeTag = "!!merge"
)

// leafBytes returns the type of a scalar and the bytes that SOPS encrypts and
// authenticates: those of the value, not of its notation. 1e3 and 1000.0 are the
// same float.
func leafBytes(n *yaml.Node) (kind string, data []byte, err error) {
	kind, known := tagTypes[n.ShortTag()]
	if !known {
		return "", nil, fmt.Errorf("%w: a value has the tag %s", ErrUnsupported, n.ShortTag())
	}
	if kind == typeString {
		return kind, []byte(n.Value), nil
	}
	var value any
	if err := n.Decode(&value); err != nil {
		return "", nil, fmt.Errorf("%w: a value of type %s cannot be read", ErrFormat, kind)
	}

	switch v := value.(type) {
	case int:
		return kind, strconv.AppendInt(nil, int64(v), 10), nil
	case float64:
		return kind, strconv.AppendFloat(nil, v, 'f', -1, 64), nil
	case bool:
		if v {
			return kind, []byte("True"), nil
		}
		return kind, []byte("False"), nil
	case time.Time:
		text, err := v.MarshalText()
		if err != nil {
			return "", nil, fmt.Errorf("%w: a time is out of range", ErrFormat)
		}
		return kind, text, nil
	default:
		return "", nil, fmt.Errorf("%w: a number is out of range", ErrUnsupported)
	}
}

// leafNode is the scalar that an encrypted value turns back into. Strings are
// quoted always: YAML 1.1 readers would take a plain "yes" or "010" for something
// else.
func leafNode(kind string, data []byte) (*yaml.Node, error) {
	n := &yaml.Node{Kind: yaml.ScalarNode, Value: string(data)}
	var err error

	switch kind {
	case typeString:
		n.Tag, n.Style = "!!str", yaml.DoubleQuotedStyle
	case typeInt:
		n.Tag = "!!int"
		_, err = strconv.ParseInt(n.Value, 10, 64)
	case typeFloat:
		n.Tag = "!!float"
		var f float64
		if f, err = strconv.ParseFloat(n.Value, 64); err == nil {
			err = n.Encode(f)
		}
	case typeBool:
		n.Tag = "!!bool"
		var b bool
		if b, err = strconv.ParseBool(n.Value); err == nil {
			err = n.Encode(b)
		}
	default:
		return nil, fmt.Errorf("%w: encrypted value of type %q", ErrUnsupported, kind)
	}

	if err != nil {
		return nil, fmt.Errorf("%w: an encrypted value is no %s", ErrFormat, kind)
	}
	return n, nil
}

const (
	dataKeySize = 32
	// nonceSize is what SOPS uses; GCM's usual twelve bytes are read as well.
	nonceSize = 32
	tagSize   = 16
	encPrefix = "ENC[AES256_GCM,"
)

// valueCipher encrypts single values under one data key.
type valueCipher struct {
	block  cipher.Block
	random io.Reader
}

func newValueCipher(dataKey []byte, random io.Reader) (valueCipher, error) {
	if len(dataKey) != dataKeySize {
		return valueCipher{}, fmt.Errorf("%w: data key has %d bytes, want %d", ErrTampered, len(dataKey), dataKeySize)
	}
	block, err := aes.NewCipher(dataKey)
	return valueCipher{block, random}, err
}

// encrypt returns the text that replaces a value. Empty values stay
// empty, as SOPS has it. The additional data ties the value to its place.
func (c valueCipher) encrypt(kind string, plain []byte, additional string) (string, error) {
	if len(plain) == 0 {
		return "", nil
	}
	nonce := make([]byte, nonceSize)
	if _, err := io.ReadFull(c.random, nonce); err != nil {
		return "", fmt.Errorf("random nonce: %w", err)
	}
	gcm, err := cipher.NewGCMWithNonceSize(c.block, nonceSize)
	if err != nil {
		return "", err
	}
	out := gcm.Seal(nil, nonce, plain, []byte(additional))
	b64 := base64.StdEncoding.EncodeToString
	return encPrefix + "data:" + b64(out[:len(out)-tagSize]) + ",iv:" + b64(nonce) + ",tag:" + b64(out[len(out)-tagSize:]) + ",type:" + kind +
		"]", nil
}

// decrypt reverses encrypt.
func (c valueCipher) decrypt(text, additional string) (kind string, plain []byte, err error) {
	if text == "" {
		return typeString, nil, nil
	}
	v, err := parseEncrypted(text)
	if err != nil {
		return "", nil, err
	}
	gcm, err := cipher.NewGCMWithNonceSize(c.block, len(v.nonce))
	if err != nil {
		return "", nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	plain, err = gcm.Open(nil, v.nonce, append(v.data, v.tag...), []byte(additional))
	if err != nil {
		return "", nil, ErrTampered
	}
	return v.kind, plain, nil
}

// encryptedValue is "ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]" taken apart.
type encryptedValue struct {
	data, nonce, tag []byte
	kind             string
}

func parseEncrypted(text string) (encryptedValue, error) {
	inner, ok := strings.CutPrefix(text, encPrefix)
	inner, closed := strings.CutSuffix(inner, "]")
	if !ok || !closed {
		return encryptedValue{}, fmt.Errorf("%w: a value that must be encrypted is not", ErrTampered)
	}
	fields := strings.Split(inner, ",")
	var v encryptedValue
	if len(fields) != 4 {
		return encryptedValue{}, fmt.Errorf("%w: encrypted value with %d fields, want 4", ErrFormat, len(fields))
	}

	for i, part := range []struct {
		name string
		into *[]byte
	}{{"data:", &v.data}, {"iv:", &v.nonce}, {"tag:", &v.tag}} {
		encoded, ok := strings.CutPrefix(fields[i], part.name)
		decoded, err := base64.StdEncoding.DecodeString(encoded)
		if !ok || err != nil {
			return encryptedValue{}, fmt.Errorf("%w: encrypted value without a proper %q", ErrFormat, part.name)
		}
		*part.into = decoded
	}

	if v.kind, ok = strings.CutPrefix(fields[3], "type:"); !ok {
		return encryptedValue{}, fmt.Errorf("%w: encrypted value without a type", ErrFormat)
	}
	if len(v.nonce) == 0 || len(v.tag) != tagSize {
		return encryptedValue{}, fmt.Errorf("%w: encrypted value with a nonce of %d and a tag of %d bytes", ErrFormat, len(v.nonce), len(v.tag))
	}
	return v, nil
}
