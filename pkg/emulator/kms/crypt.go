// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package kms

import (
	"cmp"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"net/http"

	"cloudfront503/pkg/emulator/jsonrpc"
	"cloudfront503/pkg/emulator/kernel"
)

// mac is how an HMAC key makes its codes.
type mac struct {
	algorithm string
	hash      func() hash.Hash
}

// macs are the HMAC key specs.
var macs = map[string]mac{
	"HMAC_224": {"HMAC_SHA_224", sha256.New224},
	"HMAC_256": {"HMAC_SHA_256", sha256.New},
	"HMAC_384": {"HMAC_SHA_384", sha512.New384},
	"HMAC_512": {"HMAC_SHA_512", sha512.New},
}

// macInput is GenerateMac's and VerifyMac's.
type macInput struct {
	keyRef
	Message      []byte
	MacAlgorithm string
	Mac          []byte
	GrantTokens  []string
	DryRun       bool
}

// mac decodes the call, asks whether it may, and computes the code.
func (s *Service) mac(c *kernel.Call, action string) (in macInput, k Key, code []byte, err error) {
	if err := jsonrpc.Decode(c, &in); err != nil {
		return in, k, nil, err
	}
	k, err = s.usable(c, action, in.KeyID, "GENERATE_VERIFY_MAC", map[string]string{"kms:MacAlgorithm": in.MacAlgorithm})
	if err != nil {
		return in, k, nil, err
	}
	if len(in.Message) == 0 || len(in.Message) > 4096 {
		return in, k, nil, kernel.Errorf(http.StatusBadRequest, "ValidationException", "1 validation error detected: Value at 'message' failed to satisfy constraint: Member must have length between 1 and 4096, inclusive")
	}
	if in.MacAlgorithm != macs[k.Spec].algorithm {
		return in, k, nil, kernel.Errorf(http.StatusBadRequest, "InvalidKeyUsageException", "Algorithm %s is incompatible with key spec %s.", in.MacAlgorithm, k.Spec)
	}
	if in.DryRun {
		return in, k, nil, kernel.Errorf(http.StatusBadRequest, "DryRunOperationException", "The request would have succeeded, but the DryRun option is set.")
	}
	h := hmac.New(macs[k.Spec].hash, k.material)
	_, _ = h.Write(in.Message) // never fails, see hash.Hash
	return in, k, h.Sum(nil), nil
}

func (s *Service) generateMac(c *kernel.Call) (any, error) {
	in, k, code, err := s.mac(c, "kms:GenerateMac")
	if err != nil {
		return nil, err
	}
	return map[string]any{"Mac": code, "MacAlgorithm": in.MacAlgorithm, "KeyId": k.ARN}, nil
}

func (s *Service) verifyMac(c *kernel.Call) (any, error) {
	in, k, code, err := s.mac(c, "kms:VerifyMac")
	if err != nil {
		return nil, err
	}
	if !hmac.Equal(code, in.Mac) {
		return nil, kernel.Errorf(http.StatusBadRequest, "KMSInvalidMacException", "")
	}
	return map[string]any{"MacValid": true, "MacAlgorithm": in.MacAlgorithm, "KeyId": k.ARN}, nil
}

// cryptInput is the input of Encrypt, Decrypt and GenerateDataKey, each of which has some of it.
type cryptInput struct {
	keyRef
	Plaintext, CiphertextBlob []byte
	EncryptionContext         map[string]string
	EncryptionAlgorithm       string
	KeySpec                   string
	NumberOfBytes             int
	GrantTokens               []string
}

func (s *Service) encrypt(c *kernel.Call) (any, error) {
	var in cryptInput
	if err := jsonrpc.Decode(c, &in); err != nil {
		return nil, err
	}
	k, err := s.usable(c, "kms:Encrypt", in.KeyID, "ENCRYPT_DECRYPT", contextKeys(in.EncryptionContext))
	if err != nil {
		return nil, err
	}
	if len(in.Plaintext) == 0 || len(in.Plaintext) > 4096 {
		return nil, kernel.Errorf(http.StatusBadRequest, "ValidationException", "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length between 1 and 4096, inclusive")
	}
	return map[string]any{"KeyId": k.ARN, "CiphertextBlob": k.seal(in.Plaintext, in.EncryptionContext), "EncryptionAlgorithm": symmetric}, nil
}

func (s *Service) decrypt(c *kernel.Call) (any, error) {
	var in cryptInput
	if err := jsonrpc.Decode(c, &in); err != nil {
		return nil, err
	}
	id, sealed := split(in.CiphertextBlob)
	k, err := s.usable(c, "kms:Decrypt", id, "ENCRYPT_DECRYPT", contextKeys(in.EncryptionContext))
	if err != nil {
		return nil, err
	}
	if in.KeyID != "" {
		if named, err := s.key(in.KeyID); err != nil || named.ID != k.ID {
			return nil, kernel.Errorf(http.StatusBadRequest, "IncorrectKeyException", "The key ID in the request does not identify a CMK that can perform this operation.")
		}
	}
	plain, err := k.open(sealed, in.EncryptionContext)
	if err != nil {
		return nil, kernel.Errorf(http.StatusBadRequest, "InvalidCiphertextException", "")
	}
	return map[string]any{"KeyId": k.ARN, "Plaintext": plain, "EncryptionAlgorithm": symmetric}, nil
}

func (s *Service) generateDataKey(c *kernel.Call) (any, error) {
	var in cryptInput
	if err := jsonrpc.Decode(c, &in); err != nil {
		return nil, err
	}
	k, err := s.usable(c, "kms:GenerateDataKey", in.KeyID, "ENCRYPT_DECRYPT", contextKeys(in.EncryptionContext))
	if err != nil {
		return nil, err
	}
	size := cmp.Or(in.NumberOfBytes, map[string]int{"AES_256": 32, "AES_128": 16}[in.KeySpec])
	if size < 1 || size > 1024 || (in.NumberOfBytes > 0 && in.KeySpec != "") {
		return nil, kernel.Errorf(http.StatusBadRequest, "ValidationException", "Please specify either number of bytes or key spec.")
	}
	plain := random(size)
	return map[string]any{"KeyId": k.ARN, "Plaintext": plain, "CiphertextBlob": k.seal(plain, in.EncryptionContext)}, nil
}

// seal encrypts; the ciphertext begins with the key's id, as KMS's does in its own way.
func (k Key) seal(plain []byte, context map[string]string) []byte {
	gcm := k.gcm()
	nonce := random(gcm.NonceSize())
	head := append([]byte{byte(len(k.ID))}, k.ID...)
	return gcm.Seal(append(head, nonce...), nonce, plain, bound(context))
}

func (k Key) open(sealed []byte, context map[string]string) ([]byte, error) {
	gcm := k.gcm()
	if len(sealed) < gcm.NonceSize() {
		return nil, kernel.Errorf(http.StatusBadRequest, "InvalidCiphertextException", "")
	}
	return gcm.Open(nil, sealed[:gcm.NonceSize()], sealed[gcm.NonceSize():], bound(context))
}

func (k Key) gcm() cipher.AEAD {
	block, _ := aes.NewCipher(k.material) // 32 bytes are a key of AES-256
	gcm, _ := cipher.NewGCM(block)        // AES has the block size that GCM wants
	return gcm
}

// split takes the key's id off a ciphertext.
func split(blob []byte) (id string, sealed []byte) {
	if len(blob) == 0 || len(blob) <= int(blob[0]) {
		return "", nil
	}
	end := 1 + int(blob[0])
	return string(blob[1:end]), blob[end:]
}
