// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package report_test

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"cloudfront503/pkg/report"
)

// texts are all texts of a page in storage format, and its elements; an error where it is not well-formed.
func texts(page string) (text string, elements int, err error) {
	decoder := xml.NewDecoder(strings.NewReader(`<page xmlns:ac="ac">` + page + `</page>`))
	var all strings.Builder
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return all.String(), elements, nil
		}
		if err != nil {
			return "", 0, err
		}
		switch token := token.(type) {
		case xml.CharData:
			all.Write(token)
		case xml.StartElement:
			elements++
		}
	}
}

func TestAPageBecomesConfluencesStorage(t *testing.T) {
	t.Parallel()
	page := report.Storage(report.Markdown(changed()))
	golden(t, "changed.storage.xml", []byte(page))
	text, _, err := texts(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"CustomErrorResponses/Items/[ErrorCode=404]/ResponseCode", `the page says "Back soon"`, "in s3://cf503-111122223333/incidents/", `    - Id: "web"`} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is lost", want)
		}
	}
}

func FuzzStorageIsWellFormed(f *testing.F) {
	f.Add("# a\n- **b**: c\n| d | e \\| f |\n| --- | --- |\n| g |\n```x\n]]>\n")
	f.Add("```\n]]></ac:plain-text-body><script>\n```")
	f.Add("- **a\n|\n|\\|\n||\n&lt;script&gt;\x00\x1b\u202e\ufffe")
	f.Fuzz(func(t *testing.T, markdown string) {
		if _, _, err := texts(report.Storage([]byte(markdown))); err != nil {
			t.Errorf("%q: %v:\n%s", markdown, err, report.Storage([]byte(markdown)))
		}
	})
}

// What a stranger wrote changes no element of the page, and none is missing in it.
func FuzzHostileTextStaysTextInStorage(f *testing.F) {
	f.Add(`<script>alert(1)</script> & a|b \| ]]> **x** [y](z)`)
	f.Add("a\n# b\n```\n- c")
	_, want, err := texts(report.Storage(report.Markdown(hostile("x"))))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.TrimSpace(text) == "" {
			text = "y"
		}
		if _, got, err := texts(report.Storage(report.Markdown(hostile(text)))); err != nil || got != want {
			t.Errorf("%q: %d elements, not %d, %v", text, got, want, err)
		}
	})
}
