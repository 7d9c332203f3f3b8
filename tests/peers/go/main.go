// SPDX-License-Identifier: Apache-2.0

// Stanzas by circl's HPKE and by Go's RSA-OAEP, and the creator's signature by
// Go's ECDSA. The protocol is in peer.py.
package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
)

type values map[string][]byte

var operations = map[string]func(kind string, in values) (values, error){
	"wrap":   wrap,
	"unwrap": unwrap,
	"sign":   sign,
	"verify": verify,
}

func answer(line string) (values, error) {
	words := strings.Fields(line)
	if len(words) == 0 {
		return nil, fmt.Errorf("empty line")
	}
	in, kind := values{}, ""
	for _, word := range words[1:] {
		name, value, _ := strings.Cut(word, "=")
		if name == "type" {
			kind = value
			continue
		}
		bytes, err := hex.DecodeString(value)
		if err != nil {
			return nil, err
		}
		in[name] = bytes
	}
	operation := operations[words[0]]
	if operation == nil {
		return nil, fmt.Errorf("unknown operation")
	}
	return operation(kind, in)
}

func main() {
	lines := bufio.NewReader(os.Stdin)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		out, err := answer(line)
		if err != nil {
			fmt.Println("no", err)
			continue
		}
		said := "ok"
		for name, value := range out {
			said += " " + name + "=" + hex.EncodeToString(value)
		}
		fmt.Println(said)
	}
}
