// SPDX-License-Identifier: Apache-2.0

// The transit engine of Vault itself, of the last version under the MPL, behind the part of
// Vault's HTTP interface that it needs. Prints its URL; ends with its standard input.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/hashicorp/vault/builtin/logical/transit"
	"github.com/hashicorp/vault/sdk/logical"
)

const prefix = "/v1/transit/"

type server struct {
	backend logical.Backend
	storage logical.Storage
	token   string
}

func (s *server) request(r *http.Request) *logical.Request {
	var operation logical.Operation = logical.UpdateOperation
	if r.Method == http.MethodGet {
		operation = logical.ReadOperation
	}
	data := map[string]interface{}{}
	decoder := json.NewDecoder(io.LimitReader(r.Body, 1<<20))
	decoder.UseNumber()
	_ = decoder.Decode(&data)
	return &logical.Request{Operation: operation, Path: strings.TrimPrefix(r.URL.Path, prefix),
		Data: data, Storage: s.storage}
}

func answer(w http.ResponseWriter, status int, value interface{}) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}

func fail(w http.ResponseWriter, status int, text string) {
	answer(w, status, map[string]interface{}{"errors": []string{text}})
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("X-Vault-Token") != s.token {
		fail(w, http.StatusForbidden, "permission denied")
		return
	}
	if !strings.HasPrefix(r.URL.Path, prefix) {
		fail(w, http.StatusNotFound, "no handler for route")
		return
	}
	response, err := s.backend.HandleRequest(r.Context(), s.request(r))
	switch {
	case response != nil && response.IsError():
		fail(w, http.StatusBadRequest, response.Error().Error())
	case errors.Is(err, logical.ErrUnsupportedPath):
		fail(w, http.StatusNotFound, err.Error())
	case err != nil:
		fail(w, http.StatusBadRequest, err.Error())
	case response == nil && r.Method == http.MethodGet:
		answer(w, http.StatusNotFound, map[string]interface{}{"errors": []string{}})
	case response == nil:
		w.WriteHeader(http.StatusNoContent)
	default:
		answer(w, http.StatusOK, map[string]interface{}{"data": response.Data})
	}
}

// The framework panics at its first use, and only then, over the form of the engine's last
// path, which is not used here.
func firstUse(backend logical.Backend, storage logical.Storage) {
	defer func() { _ = recover() }()
	_, _ = backend.HandleRequest(context.Background(),
		&logical.Request{Operation: logical.ListOperation, Path: "keys", Storage: storage})
}

func main() {
	storage := &logical.InmemStorage{}
	config := &logical.BackendConfig{StorageView: storage, System: logical.StaticSystemView{}}
	backend, err := transit.Factory(context.Background(), config)
	if err != nil {
		panic(err)
	}
	firstUse(backend, storage)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println("http://" + listener.Addr().String())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	panic(http.Serve(listener, &server{backend, storage, os.Getenv("PEER_TOKEN")}))
}
