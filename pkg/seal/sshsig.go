package seal

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/appbur/appbur"
)

// The SSH signature format is described in OpenSSH's PROTOCOL.sshsig.
const (
	signatureNamespace = "git"
	sshsigMagic        = "SSHSIG"
	sshsigVersion      = 1
	sshsigHash         = "sha512"
	sshsigBegin        = "-----BEGIN SSH SIGNATURE-----"
	sshsigEnd          = "-----END SSH SIGNATURE-----"
	sshsigColumns      = 70
)

// signedData is what the key signs, after the magic.
type signedData struct {
	Namespace     string
	Reserved      string
	HashAlgorithm string
	Hash          []byte
}

// signatureBlob is what the armor holds, after the magic.
type signatureBlob struct {
	Version       uint32
	PublicKey     []byte
	Namespace     string
	Reserved      string
	HashAlgorithm string
	Signature     []byte
}

// Signer makes the SSH signatures of commits and tags, in the namespace "git".
// It is safe for concurrent use.
type Signer struct{ key ssh.Signer }

// NewSigner reads a private key in OpenSSH's or PEM form. Keys with a passphrase
// are refused: a backup that runs by itself cannot ask for it.
func NewSigner(privateKey []byte) (*Signer, error) {
	key, err := ssh.ParsePrivateKey(privateKey)
	if err != nil {
		return nil, appbur.WithHint(fmt.Errorf("signing key: %w", err),
			"want an SSH private key without a passphrase, as ssh-keygen -t ed25519 writes it")
	}
	return &Signer{key}, nil
}

// AuthorizedKey returns the public key as one line.
func (s *Signer) AuthorizedKey() string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(s.key.PublicKey())))
}

// Sign returns the armored signature of a message.
func (s *Signer) Sign(message []byte) ([]byte, error) {
	hash := sha512.Sum512(message)
	data := append([]byte(sshsigMagic), ssh.Marshal(signedData{signatureNamespace, "", sshsigHash, hash[:]})...)
	signature, err := s.signData(data)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	blob := append([]byte(sshsigMagic), ssh.Marshal(signatureBlob{
		Version:       sshsigVersion,
		PublicKey:     s.key.PublicKey().Marshal(),
		Namespace:     signatureNamespace,
		HashAlgorithm: sshsigHash,
		Signature:     ssh.Marshal(*signature),
	})...)
	return armorSignature(blob), nil
}

// signData uses SHA-512 with RSA keys; their default is SHA-1.
func (s *Signer) signData(data []byte) (*ssh.Signature, error) {
	if s.key.PublicKey().Type() != ssh.KeyAlgoRSA {
		return s.key.Sign(rand.Reader, data)
	}
	key, ok := s.key.(ssh.AlgorithmSigner)
	if !ok {
		return nil, fmt.Errorf("the RSA key cannot sign with %s", ssh.KeyAlgoRSASHA512)
	}
	return key.SignWithAlgorithm(rand.Reader, data, ssh.KeyAlgoRSASHA512)
}

func armorSignature(blob []byte) []byte {
	var out bytes.Buffer
	out.WriteString(sshsigBegin + "\n")
	encoded := base64.StdEncoding.EncodeToString(blob)
	for len(encoded) > 0 {
		n := min(sshsigColumns, len(encoded))
		out.WriteString(encoded[:n] + "\n")
		encoded = encoded[n:]
	}
	out.WriteString(sshsigEnd + "\n")
	return out.Bytes()
}

// sshSignature is a signature that was read but not yet checked.
type sshSignature struct {
	key       ssh.PublicKey
	signature ssh.Signature
	signed    signedData
}

// parseSignature reads an armored signature in git's namespace.
func parseSignature(armored []byte) (sshSignature, error) {
	text := strings.ReplaceAll(strings.TrimSpace(string(armored)), "\r\n", "\n")
	inner, begins := strings.CutPrefix(text, sshsigBegin+"\n")
	inner, ends := strings.CutSuffix(inner, "\n"+sshsigEnd)
	if !begins || !ends {
		return sshSignature{}, fmt.Errorf("%w: no armored SSH signature", ErrFormat)
	}
	blob, err := base64.StdEncoding.Strict().DecodeString(strings.ReplaceAll(inner, "\n", ""))
	if err != nil || !bytes.HasPrefix(blob, []byte(sshsigMagic)) {
		return sshSignature{}, fmt.Errorf("%w: the armor holds no SSH signature", ErrFormat)
	}
	var b signatureBlob
	if err := ssh.Unmarshal(blob[len(sshsigMagic):], &b); err != nil {
		return sshSignature{}, fmt.Errorf("%w: SSH signature: %w", ErrFormat, err)
	}

	if b.Version != sshsigVersion {
		return sshSignature{}, fmt.Errorf("%w: SSH signature of version %d", ErrFormat, b.Version)
	}
	if b.Namespace != signatureNamespace {
		return sshSignature{}, fmt.Errorf("%w: it was made for the namespace %q, not for %q", ErrBadSignature, b.Namespace, signatureNamespace)
	}
	s := sshSignature{signed: signedData{Namespace: b.Namespace, Reserved: b.Reserved, HashAlgorithm: b.HashAlgorithm}}
	if s.key, err = ssh.ParsePublicKey(b.PublicKey); err != nil {
		return sshSignature{}, fmt.Errorf("%w: SSH signature: %w", ErrFormat, err)
	}
	if err := ssh.Unmarshal(b.Signature, &s.signature); err != nil {
		return sshSignature{}, fmt.Errorf("%w: SSH signature: %w", ErrFormat, err)
	}
	return s, nil
}

// check reports whether the key signed the message.
func (s sshSignature) check(message []byte) error {
	switch s.signed.HashAlgorithm {
	case "sha512":
		h := sha512.Sum512(message)
		s.signed.Hash = h[:]
	case "sha256":
		h := sha256.Sum256(message)
		s.signed.Hash = h[:]
	default:
		return fmt.Errorf("%w: it uses the hash %q", ErrBadSignature, s.signed.HashAlgorithm)
	}
	if s.signature.Format == ssh.KeyAlgoRSA {
		return fmt.Errorf("%w: it is an RSA signature with SHA-1", ErrBadSignature)
	}
	if err := s.key.Verify(append([]byte(sshsigMagic), ssh.Marshal(s.signed)...), &s.signature); err != nil {
		return ErrBadSignature
	}
	return nil
}
