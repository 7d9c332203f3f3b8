// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"math/big"
)

func sign(_ string, in values) (values, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(in["key"])
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("not an EC key")
	}
	digest := sha256.Sum256(in["message"])
	r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
	if err != nil {
		return nil, err
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return values{"signature": signature}, nil
}

func verify(_ string, in values) (values, error) {
	parsed, err := x509.ParsePKIXPublicKey(in["spki"])
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*ecdsa.PublicKey)
	if !ok || len(in["signature"]) != 64 {
		return nil, fmt.Errorf("not an EC key or not a signature")
	}
	digest := sha256.Sum256(in["message"])
	r := new(big.Int).SetBytes(in["signature"][:32])
	s := new(big.Int).SetBytes(in["signature"][32:])
	if !ecdsa.Verify(key, digest[:], r, s) {
		return nil, fmt.Errorf("wrong signature")
	}
	return values{}, nil
}
