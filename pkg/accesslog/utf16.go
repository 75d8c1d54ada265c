// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package accesslog

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// isUTF16 reports whether text begins with UTF-16's byte order mark, as files that went through other tools do.
func isUTF16(head []byte) bool {
	return len(head) == 2 && (head[0] == 0xff && head[1] == 0xfe || head[0] == 0xfe && head[1] == 0xff)
}

// wide reads UTF-16 as UTF-8.
type wide struct {
	from    *bufio.Reader
	order   binary.ByteOrder
	pending []byte
}

func newUTF16(from *bufio.Reader) *wide {
	head, _ := from.Peek(2)
	w := &wide{from: from, order: binary.LittleEndian}
	if len(head) == 2 && head[0] == 0xfe {
		w.order = binary.BigEndian
	}
	_, _ = from.Discard(2)
	return w
}

// Read fulfils io.Reader; half a character at the end reads as the replacement character.
func (w *wide) Read(into []byte) (int, error) {
	for len(w.pending) < utf8.UTFMax {
		unit, err := w.unit()
		if err != nil {
			if errors.Is(err, io.EOF) && len(w.pending) > 0 {
				break
			}
			return 0, err
		}
		r := rune(unit)
		if utf16.IsSurrogate(r) {
			low, err := w.unit()
			if err != nil {
				low = 0
			}
			r = utf16.DecodeRune(r, rune(low))
		}
		w.pending = utf8.AppendRune(w.pending, r)
	}
	n := copy(into, w.pending)
	w.pending = w.pending[:copy(w.pending, w.pending[n:])]
	return n, nil
}

func (w *wide) unit() (uint16, error) {
	var two [2]byte
	if _, err := io.ReadFull(w.from, two[:]); err != nil {
		return 0, io.EOF
	}
	return w.order.Uint16(two[:]), nil
}
