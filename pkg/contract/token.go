package contract

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
)

// TokenSource gives the bearer token for the next call. It is called for every call,
// so that a token may be replaced while the client lives.
type TokenSource func(ctx context.Context) (Token, error)

// longestToken bounds what is read from a file that may not be a token at all.
const longestToken = 64 << 10

// TokenFile reads the token from a file for every call, for example a projected
// ServiceAccount token, which the kubelet replaces before it expires.
func TokenFile(path string) TokenSource {
	return func(context.Context) (Token, error) {
		f, err := os.Open(path)
		if err != nil {
			return "", fmt.Errorf("reading the token: %w", err)
		}
		defer func() { _ = f.Close() }() // it was only read
		data, err := io.ReadAll(io.LimitReader(f, longestToken+1))
		if err != nil {
			return "", fmt.Errorf("reading the token: %w", err)
		}
		token := strings.TrimSpace(string(data))
		if token == "" || len(token) > longestToken || strings.ContainsAny(token, " \t\r\n") {
			return "", fmt.Errorf("reading the token: %s does not hold one token", path)
		}
		return Token(token), nil
	}
}

// PerCall shows the token with every call of a connection that [Dial] did not make.
func (s TokenSource) PerCall() credentials.PerRPCCredentials { return perCall{s} }

// perCall adds the token to every call.
type perCall struct{ source TokenSource }

// GetRequestMetadata implements credentials.PerRPCCredentials of grpc.
func (p perCall) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	token, err := p.source(ctx)
	if err != nil {
		return nil, status.Error(codes.Unauthenticated, err.Error())
	}
	return map[string]string{"authorization": "Bearer " + string(token)}, nil
}

// RequireTransportSecurity implements credentials.PerRPCCredentials of grpc.
func (perCall) RequireTransportSecurity() bool { return true }
