// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package s3

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"net/http"
	"strings"

	"cloudfront503/pkg/emulator/kernel"
)

// nvme is the polynomial of CRC-64/NVME, reflected as hash/crc64 wants it (NVM Express base specification; check value of
// "123456789": ae8b14860a799888).
const nvme = 0x9a6c9329ac4bc9b5

// sum is one of the checksums that S3 knows by their header.
type sum struct {
	header, name string
	make         func() hash.Hash
}

func sums() []sum {
	return []sum{
		{"X-Amz-Checksum-Crc32", "CRC32", func() hash.Hash { return crc32.NewIEEE() }},
		{"X-Amz-Checksum-Crc32c", "CRC32C", func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) }},
		{"X-Amz-Checksum-Crc64nvme", "CRC64NVME", func() hash.Hash { return crc64.New(crc64.MakeTable(nvme)) }},
		{"X-Amz-Checksum-Sha1", "SHA1", sha1.New},
		{"X-Amz-Checksum-Sha256", "SHA256", sha256.New},
	}
}

func (s sum) of(body []byte) string {
	h := s.make()
	_, _ = h.Write(body) // never fails, see hash.Hash
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// checkBody verifies Content-MD5 and the checksum that came in a header or a trailer, and returns the checksum to keep and
// to echo. Without one S3 keeps a CRC64NVME.
func checkBody(header http.Header, body []byte) (http.Header, error) {
	if err := checkMD5(header.Get("Content-Md5"), body); err != nil {
		return nil, err
	}
	kept := http.Header{}
	for _, s := range sums() {
		given := header.Get(s.header)
		if given == "" {
			continue
		}
		if len(kept) > 0 {
			return nil, kernel.Errorf(http.StatusBadRequest, "InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
		}
		if given != s.of(body) {
			return nil, kernel.Errorf(http.StatusBadRequest, "BadDigest", "The %s you specified did not match the calculated checksum.", s.name)
		}
		kept.Set(s.header, given)
	}
	if len(kept) > 0 {
		kept.Set("X-Amz-Checksum-Type", "FULL_OBJECT")
		return kept, nil
	}
	if promised := header.Get("X-Amz-Sdk-Checksum-Algorithm"); promised != "" {
		return nil, kernel.Errorf(http.StatusBadRequest, "InvalidRequest", "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-%s or x-amz-trailer headers were found.", strings.ToLower(promised))
	}
	fallback := sums()[2]
	kept.Set(fallback.header, fallback.of(body))
	kept.Set("X-Amz-Checksum-Type", "FULL_OBJECT")
	return kept, nil
}

func checkMD5(given string, body []byte) error {
	if given == "" {
		return nil
	}
	decoded, err := base64.StdEncoding.DecodeString(given)
	if err != nil || len(decoded) != md5.Size {
		return kernel.Errorf(http.StatusBadRequest, "InvalidDigest", "The Content-MD5 you specified was invalid.")
	}
	if actual := md5.Sum(body); string(actual[:]) != string(decoded) {
		return kernel.Errorf(http.StatusBadRequest, "BadDigest", "The Content-MD5 you specified did not match what we received.")
	}
	return nil
}
