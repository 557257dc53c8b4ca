package main

import (
	"strings"
	"unicode/utf16"
)

// Slack's limits, in characters. Slack answers invalid_payload to a message beyond them (Slack API, "Block Kit").
const (
	mostText   = 3000 // of a section's text; and short enough for a message's, which may have 40,000
	mostField  = 2000
	mostFields = 10
)

// message is the body of a post to a webhook. Slack shows Text above the attachments, and in notifications.
type message struct {
	Text        string       `json:"text"`
	Attachments []attachment `json:"attachments,omitempty"`
	UnfurlLinks bool         `json:"unfurl_links"`
}

// attachment is blocks beside a bar of colour.
type attachment struct {
	Color  string  `json:"color"` // #rrggbb
	Blocks []block `json:"blocks"`
}

// block is a section, which has a text, or up to mostFields fields in two columns.
type block struct {
	Type   string `json:"type"`
	Text   *text  `json:"text,omitempty"`
	Fields []text `json:"fields,omitempty"`
}

// text is in Slack's own markup.
type text struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

// section returns a block with one text.
func section(body string) block {
	return block{Type: "section", Text: &text{Type: "mrkdwn", Text: body}}
}

// columns are fields with a bold title each. Those without a value are left out.
func columns(titled ...[2]string) block {
	b := block{Type: "section"}
	for _, f := range titled {
		if f[1] != "" && len(b.Fields) < mostFields {
			b.Fields = append(b.Fields, text{Type: "mrkdwn", Text: "*" + f[0] + "*\n" + f[1]})
		}
	}
	return b
}

// markup escapes the three characters of Slack's markup.
var markup = map[rune]string{'&': "&amp;", '<': "&lt;", '>': "&gt;"}

// escape makes a text mean itself, in fewer than so many characters. With < and > gone it can mention nobody.
func escape(s string, most int) string {
	var b strings.Builder
	length := 0
	for _, r := range s {
		piece, size := string(r), utf16.RuneLen(r)
		if entity, ok := markup[r]; ok {
			piece, size = entity, len(entity)
		}
		if length += size; length >= most {
			b.WriteString("…")
			break
		}
		b.WriteString(piece)
	}
	return b.String()
}
