// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package kernel

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// bodyLimit is more than anything that the services here take (S3: 5 GB in one put, but nobody rehearses that).
const bodyLimit = 64 << 20

// readBody reads a request's body whole. It takes the aws-chunked framing off, moving trailing headers among the others,
// checks the signed hash, and unpacks a compressed request.
func readBody(r *http.Request, service string) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, bodyLimit+1))
	if err != nil {
		return nil, Errorf(http.StatusBadRequest, "IncompleteBody", "the request body ended early: %v", err)
	}
	if len(raw) > bodyLimit {
		return nil, Errorf(http.StatusBadRequest, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
	}
	hash := r.Header.Get("X-Amz-Content-Sha256")
	if strings.HasPrefix(hash, "STREAMING-") {
		return unchunkRequest(r, raw)
	}
	if err := checkHash(hash, raw); err != nil {
		return nil, err
	}
	if service != "s3" && r.Header.Get("Content-Encoding") == "gzip" {
		return gunzip(raw)
	}
	return raw, nil
}

func checkHash(hash string, raw []byte) error {
	if len(hash) != 2*sha256.Size { // absent or UNSIGNED-PAYLOAD
		return nil
	}
	sum := sha256.Sum256(raw)
	if hex.EncodeToString(sum[:]) == hash {
		return nil
	}
	return Errorf(http.StatusBadRequest, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.")
}

func gunzip(raw []byte) ([]byte, error) {
	reader, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, Errorf(http.StatusBadRequest, "SerializationException", "request body is not gzip: %v", err)
	}
	plain, err := io.ReadAll(io.LimitReader(reader, bodyLimit))
	if err != nil {
		return nil, Errorf(http.StatusBadRequest, "SerializationException", "request body is not gzip: %v", err)
	}
	return plain, nil
}

func unchunkRequest(r *http.Request, raw []byte) ([]byte, error) {
	body, trailer, err := unchunk(raw)
	if err != nil {
		return nil, Errorf(http.StatusBadRequest, "IncompleteBody", "%v", err)
	}
	if want := r.Header.Get("X-Amz-Decoded-Content-Length"); want != strconv.Itoa(len(body)) {
		return nil, Errorf(http.StatusBadRequest, "IncompleteBody", "the body has %d bytes, X-Amz-Decoded-Content-Length says %q", len(body), want)
	}
	for _, name := range strings.Split(r.Header.Get("X-Amz-Trailer"), ",") {
		name = strings.TrimSpace(name)
		if name == "" {
			continue
		}
		if trailer.Get(name) == "" {
			return nil, Errorf(http.StatusBadRequest, "MalformedTrailerError", "The request contained trailing data that was not well-formed: %s is missing", name)
		}
		r.Header.Set(name, trailer.Get(name))
	}
	stripChunked(r.Header)
	return body, nil
}

// stripChunked takes the framing's name out of Content-Encoding, leaving the object's own encodings.
func stripChunked(h http.Header) {
	var kept []string
	for _, name := range strings.Split(h.Get("Content-Encoding"), ",") {
		if name = strings.TrimSpace(name); name != "" && name != "aws-chunked" {
			kept = append(kept, name)
		}
	}
	h.Del("Content-Encoding")
	if len(kept) > 0 {
		h.Set("Content-Encoding", strings.Join(kept, ","))
	}
}

// unchunk takes off the aws-chunked framing (S3 API reference, "Signature calculations … chunked upload"):
//
//	5;chunk-signature=ad80c730…\r\n
//	hello\r\n
//	0;chunk-signature=b6c6ea8a…\r\n
//	x-amz-checksum-crc32:NhCmhg==\r\n
//	\r\n
//
// The signatures are optional and not checked. Trailers are optional.
func unchunk(raw []byte) (body []byte, trailer http.Header, err error) {
	r := bufio.NewReader(bytes.NewReader(raw))
	for {
		size, err := chunkSize(r)
		if err != nil {
			return nil, nil, err
		}
		if size == 0 {
			break
		}
		if body, err = appendChunk(body, r, size); err != nil {
			return nil, nil, err
		}
	}
	trailer, err = readTrailer(r)
	return body, trailer, err
}

func chunkSize(r *bufio.Reader) (int, error) {
	line, err := readLine(r)
	if err != nil {
		return 0, fmt.Errorf("chunk header: %w", err)
	}
	digits, _, _ := strings.Cut(line, ";")
	size, err := strconv.ParseUint(digits, 16, 31)
	if err != nil {
		return 0, fmt.Errorf("chunk size %.20q is not hexadecimal", digits)
	}
	return int(size), nil
}

func appendChunk(body []byte, r *bufio.Reader, size int) ([]byte, error) {
	chunk, err := io.ReadAll(io.LimitReader(r, int64(size))) // reads what is there: a lying size costs no memory
	if err != nil || len(chunk) != size {
		return nil, fmt.Errorf("chunk of %d bytes ends after %d", size, len(chunk))
	}
	end, err := readLine(r)
	if err != nil || end != "" {
		return nil, fmt.Errorf("chunk of %d bytes does not end in CRLF", size)
	}
	return append(body, chunk...), nil
}

// readTrailer reads name:value lines up to an empty line or the end.
func readTrailer(r *bufio.Reader) (http.Header, error) {
	trailer := http.Header{}
	for {
		line, err := readLine(r)
		if err == io.EOF || (err == nil && line == "") {
			return trailer, nil
		}
		name, value, ok := strings.Cut(line, ":")
		if err != nil || !ok {
			return nil, fmt.Errorf("trailer %.40q is not name:value", line)
		}
		trailer.Set(strings.TrimSpace(name), strings.TrimSpace(value))
	}
}

// readLine is the next line without its CRLF; io.EOF only where nothing was left.
func readLine(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	if err == io.EOF && line != "" {
		return "", io.ErrUnexpectedEOF
	}
	return strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r"), err
}
