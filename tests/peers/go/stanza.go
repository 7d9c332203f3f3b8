// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"fmt"
	"io"

	"github.com/cloudflare/circl/hpke"
	"golang.org/x/crypto/hkdf"
)

const prefix = "doublekey/1 "

func aad(encapsulation []byte, in values) []byte {
	digest := sha512.Sum384(append(append([]byte{}, encapsulation...), in["recipient"]...))
	return digest[:]
}

func wrap(kind string, in values) (values, error) {
	if kind == "rsa3072" {
		return wrapRSA(in)
	}
	return wrapHPKE(kind, in)
}

func unwrap(kind string, in values) (values, error) {
	if kind == "rsa3072" {
		return unwrapRSA(in)
	}
	return unwrapHPKE(kind, in)
}

func suite(kind string) (hpke.KEM, hpke.Suite) {
	if kind == "p384" {
		kem := hpke.KEM_P384_HKDF_SHA384
		return kem, hpke.NewSuite(kem, hpke.KDF_HKDF_SHA384, hpke.AEAD_AES256GCM)
	}
	kem := hpke.KEM_P256_HKDF_SHA256
	return kem, hpke.NewSuite(kem, hpke.KDF_HKDF_SHA256, hpke.AEAD_AES256GCM)
}

func wrapHPKE(kind string, in values) (values, error) {
	kem, suite := suite(kind)
	public, err := kem.Scheme().UnmarshalBinaryPublicKey(in["recipient"])
	if err != nil {
		return nil, err
	}
	sender, err := suite.NewSender(public, in["info"])
	if err != nil {
		return nil, err
	}
	enc, sealer, err := sender.Setup(rand.Reader)
	if err != nil {
		return nil, err
	}
	wrapped, err := sealer.Seal(in["share"], aad(enc, in))
	return values{"encapsulation": enc, "wrapped": wrapped}, err
}

func unwrapHPKE(kind string, in values) (values, error) {
	kem, suite := suite(kind)
	parsed, err := x509.ParsePKCS8PrivateKey(in["key"])
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("not an EC key")
	}
	scalar := key.D.FillBytes(make([]byte, kem.Scheme().PrivateKeySize()))
	private, err := kem.Scheme().UnmarshalBinaryPrivateKey(scalar)
	if err != nil {
		return nil, err
	}
	receiver, err := suite.NewReceiver(private, in["info"])
	if err != nil {
		return nil, err
	}
	opener, err := receiver.Setup(in["encapsulation"])
	if err != nil {
		return nil, err
	}
	share, err := opener.Open(in["wrapped"], aad(in["encapsulation"], in))
	return values{"share": share}, err
}

func inner(seed []byte, in values) (cipher.AEAD, error) {
	label := prefix + "rsa-oaep"
	salt := append([]byte{byte(len(label))}, label...)
	key := make([]byte, 32)
	if _, err := io.ReadFull(hkdf.New(sha512.New384, seed, salt, in["info"]), key); err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func wrapRSA(in values) (values, error) {
	parsed, err := x509.ParsePKIXPublicKey(in["spki"])
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("not an RSA key")
	}
	seed := make([]byte, 32)
	if _, err = rand.Read(seed); err != nil {
		return nil, err
	}
	encapsulation, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, key, seed, nil)
	if err != nil {
		return nil, err
	}
	gcm, err := inner(seed, in)
	if err != nil {
		return nil, err
	}
	wrapped := gcm.Seal(nil, make([]byte, gcm.NonceSize()), in["share"], aad(encapsulation, in))
	return values{"encapsulation": encapsulation, "wrapped": wrapped}, nil
}

func unwrapRSA(in values) (values, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(in["key"])
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("not an RSA key")
	}
	seed, err := rsa.DecryptOAEP(sha256.New(), nil, key, in["encapsulation"], nil)
	if err != nil {
		return nil, err
	}
	gcm, err := inner(seed, in)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, gcm.NonceSize())
	share, err := gcm.Open(nil, nonce, in["wrapped"], aad(in["encapsulation"], in))
	return values{"share": share}, err
}
