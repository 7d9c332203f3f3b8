// SPDX-License-Identifier: Apache-2.0

// Logs by Tessera's fsck, by Go's sumdb/note and sumdb/tlog, and proof files by
// transparency-dev/formats. The protocol is in peer.py.
package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	f_log "github.com/transparency-dev/formats/log"
	f_note "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"k8s.io/klog/v2"
)

type values map[string][]byte

// The log at a URL, or in a folder.
func fetcher(in values) (fsck.Fetcher, error) {
	place, err := url.Parse(string(in["url"]))
	if err != nil {
		return nil, err
	}
	if place.Scheme == "file" {
		return &client.FileFetcher{Root: place.Path}, nil
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(in["ca"])
	return client.NewHTTPFetcher(place, &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots}}})
}

func hashBundle(bundle []byte) ([][]byte, error) {
	entries := &api.EntryBundle{}
	if err := entries.UnmarshalText(bundle); err != nil {
		return nil, err
	}
	var hashes [][]byte
	for _, entry := range entries.Entries {
		hashes = append(hashes, rfc6962.DefaultHasher.HashLeaf(entry))
	}
	return hashes, nil
}

// All of a log: entries, tiles, root.
func check(in values) (values, error) {
	from, err := fetcher(in)
	if err != nil {
		return nil, err
	}
	verifier, err := f_note.NewVerifier(string(in["key"]))
	if err != nil {
		return nil, err
	}
	run := fsck.New(verifier.Name(), verifier, from, hashBundle, fsck.Opts{N: 2})
	return values{}, run.Check(context.Background())
}

func open(in values, text []byte) (*f_log.Checkpoint, error) {
	verifier, err := f_note.NewVerifier(string(in["key"]))
	if err != nil {
		return nil, err
	}
	checkpoint, _, _, err := f_log.ParseCheckpoint(text, verifier.Name(), verifier)
	return checkpoint, err
}

// Tiles of sumdb/tlog, which have another name for the same place.
type tileReader struct{ from fsck.Fetcher }

func (r tileReader) Height() int                         { return 8 }
func (r tileReader) SaveTiles(_ []tlog.Tile, _ [][]byte) {}
func (r tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		data, err := r.from.ReadTile(context.Background(), uint64(tile.L), uint64(tile.N),
			uint8(tile.W%256))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

// Proofs that sumdb/tlog makes of the tiles, each of which it has checked against the root.
func prove(in values) (values, error) {
	from, err := fetcher(in)
	if err != nil {
		return nil, err
	}
	text, err := from.ReadCheckpoint(context.Background())
	if err != nil {
		return nil, err
	}
	checkpoint, err := open(in, text)
	if err != nil {
		return nil, err
	}
	tree := tlog.Tree{N: int64(checkpoint.Size), Hash: tlog.Hash(checkpoint.Hash)}
	hashes := tlog.TileHashReader(tree, tileReader{from})
	index := int64(0)
	for _, b := range in["index"] {
		index = index<<8 | int64(b)
	}
	record, err := tlog.ProveRecord(tree.N, index, hashes)
	if err != nil {
		return nil, err
	}
	old, err := tlog.TreeHash(index+1, hashes)
	if err != nil {
		return nil, err
	}
	consistent, err := tlog.ProveTree(tree.N, index+1, hashes)
	if err != nil {
		return nil, err
	}
	if err := tlog.CheckTree(consistent, tree.N, tree.Hash, index+1, old); err != nil {
		return nil, err
	}
	out := values{"inclusion": nil, "root": old[:]}
	for _, hash := range record {
		out["inclusion"] = append(out["inclusion"], hash[:]...)
	}
	return out, nil
}

// A proof file: everything in it.
func file(in values) (values, error) {
	var made proof.TLogProof
	if err := made.Unmarshal(in["file"]); err != nil {
		return nil, err
	}
	checkpoint, err := open(in, made.Checkpoint)
	if err != nil {
		return nil, err
	}
	var hashes tlog.RecordProof
	for _, hash := range made.Hashes {
		hashes = append(hashes, tlog.Hash(hash))
	}
	leaf := tlog.Hash(sha256.Sum256(append([]byte{0}, made.ExtraData...)))
	err = tlog.CheckRecord(hashes, int64(checkpoint.Size), tlog.Hash(checkpoint.Hash),
		int64(made.Index), leaf)
	if err != nil {
		return nil, err
	}
	if string(made.Marshal()) != string(in["file"]) {
		return nil, fmt.Errorf("written again it is another file")
	}
	return values{"entry": made.ExtraData}, nil
}

// A note by sumdb/note and the verifiers of transparency-dev/formats.
func verify(in values) (values, error) {
	verifier, err := f_note.NewVerifier(string(in["key"]))
	if err != nil {
		return nil, err
	}
	_, err = note.Open(in["note"], note.VerifierList(verifier))
	return values{}, err
}

var operations = map[string]func(in values) (values, error){
	"check": check, "prove": prove, "file": file, "verify": verify,
}

func answer(line string) (values, error) {
	words := strings.Fields(line)
	in := values{}
	for _, word := range words[1:] {
		name, value, _ := strings.Cut(word, "=")
		bytes, err := hex.DecodeString(value)
		if err != nil {
			return nil, err
		}
		in[name] = bytes
	}
	return operations[words[0]](in)
}

func main() {
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	lines := bufio.NewReader(os.Stdin)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		out, err := answer(line)
		if err != nil {
			fmt.Println("no", strings.ReplaceAll(err.Error(), "\n", " "))
			continue
		}
		said := "ok"
		for name, value := range out {
			said += " " + name + "=" + hex.EncodeToString(value)
		}
		fmt.Println(said)
	}
}
