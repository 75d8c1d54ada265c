// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package kernel

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// xmlHead begins each XML answer.
const xmlHead = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

// namespaces are the xmlns of the services' XML answers, from their API references.
var namespaces = map[string]string{
	"cloudfront":           "http://cloudfront.amazonaws.com/doc/2020-05-31/",
	"elasticloadbalancing": "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/",
	"iam":                  "https://iam.amazonaws.com/doc/2010-05-08/",
	"monitoring":           "http://monitoring.amazonaws.com/doc/2010-08-01/",
	"s3":                   "http://s3.amazonaws.com/doc/2006-03-01/",
	"sns":                  "http://sns.amazonaws.com/doc/2010-03-31/",
	"sqs":                  "http://queue.amazonaws.com/doc/2012-11-05/",
	"sts":                  "https://sts.amazonaws.com/doc/2011-06-15/",
}

// XML answers in REST-XML. body is marshalled; nil is no body, and []byte goes out as it is, after the XML declaration.
func (c *Call) XML(status int, body any) {
	c.write(status, "application/xml", xmlBody(body))
}

func xmlBody(body any) []byte {
	switch b := body.(type) {
	case nil:
		return nil
	case []byte:
		return append([]byte(xmlHead), b...)
	}
	encoded, err := xml.Marshal(body)
	if err != nil {
		return []byte(xmlHead + "<Unmarshallable/>")
	}
	return append([]byte(xmlHead), encoded...)
}

// FailXML answers an error in REST-XML, in S3's own form where the service is s3.
func (c *Call) FailXML(err error) {
	e := c.Failed(err)
	if c.Service == "s3" {
		c.XML(e.Status, s3Error(e, c.R.URL.Path, c.id))
		return
	}
	c.XML(e.Status, errorResponse(e, namespaces[c.Service], c.id))
}

// FailQuery answers an error in the query protocol.
func (c *Call) FailQuery(err error) {
	e := c.Failed(err)
	c.write(e.Status, "text/xml", xmlBody(errorResponse(e, namespaces[c.Service], c.id)))
}

// Query answers a call in the query protocol: result, marshalled, is the ActionResult element; nil leaves it out.
func (c *Call) Query(action string, result any) {
	var b bytes.Buffer
	b.WriteString("<" + action + `Response xmlns="` + namespaces[c.Service] + `">`)
	if result != nil {
		if err := xml.NewEncoder(&b).EncodeElement(result, element(action+"Result")); err != nil {
			c.FailQuery(err)
			return
		}
	}
	b.WriteString("<ResponseMetadata><RequestId>" + c.id + "</RequestId></ResponseMetadata></" + action + "Response>")
	c.write(http.StatusOK, "text/xml", xmlBody(b.Bytes()))
}

// Form reads the parameters of a call in the query protocol. One that is neither Action, Version nor among the known ones,
// which are patterns as of Glob, is refused and noted.
func (c *Call) Form(known ...string) (url.Values, error) {
	form, err := url.ParseQuery(string(c.Body))
	if err != nil {
		return nil, Errorf(http.StatusBadRequest, "MalformedQueryString", "%v", err)
	}
	for name := range form {
		if !slices.ContainsFunc(append(known, "Action", "Version"), func(pattern string) bool { return Glob(pattern, name) }) {
			c.World.Strict("%s: %s: parameter %s", c.Service, form.Get("Action"), name)
			return nil, Errorf(http.StatusBadRequest, "InvalidParameterCombination", "%s is not known here", name)
		}
	}
	return form, nil
}

// Operation is the Action of a call in the query protocol.
func (c *Call) Operation() string {
	form, _ := url.ParseQuery(string(c.Body)) // Form tells what is wrong with it
	return form.Get("Action")
}

// JSON answers with status 200 in the request's version of the JSON protocol.
func (c *Call) JSON(body any) { c.JSONStatus(http.StatusOK, body) }

// JSONStatus answers in the JSON protocols; body is marshalled, nil is no body, and []byte goes out as it is.
func (c *Call) JSONStatus(status int, body any) {
	raw, isRaw := body.([]byte)
	if body != nil && !isRaw {
		encoded, err := json.Marshal(body)
		if err != nil {
			c.FailJSON(err)
			return
		}
		raw = encoded
	}
	c.write(status, c.jsonType(), raw)
}

// FailJSON answers an error in JSON 1.0, JSON 1.1 or REST-JSON.
func (c *Call) FailJSON(err error) {
	e := c.Failed(err)
	body := map[string]string{"__type": e.Code, "message": e.Message}
	maps.Copy(body, e.Extra)
	c.W.Header().Set("X-Amzn-Errortype", e.Code)
	encoded, _ := json.Marshal(body) // strings always marshal
	c.write(e.Status, c.jsonType(), encoded)
}

// jsonType is the request's content type where it is one of the JSON protocols'.
func (c *Call) jsonType() string {
	if sent := c.R.Header.Get("Content-Type"); strings.HasPrefix(sent, "application/x-amz-json-") {
		return sent
	}
	return "application/json"
}

// refuse answers an error before the service has seen the call, in the protocol that the request looks like.
func (c *Call) refuse(err error) {
	kind := c.R.Header.Get("Content-Type")
	switch {
	case strings.Contains(kind, "json"):
		c.FailJSON(err)
	case strings.HasPrefix(kind, "application/x-www-form-urlencoded"):
		c.FailQuery(err)
	default:
		c.FailXML(err)
	}
}

func (c *Call) write(status int, kind string, body []byte) {
	if body != nil {
		c.W.Header().Set("Content-Type", kind)
	}
	c.W.WriteHeader(status)
	_, _ = c.W.Write(body) // kept back, see answer
}

// errorResponse is the error of the query protocol and of REST-XML.
func errorResponse(e *APIError, namespace, id string) []byte {
	var b bytes.Buffer
	b.WriteString("<ErrorResponse")
	if namespace != "" {
		b.WriteString(` xmlns="` + namespace + `"`)
	}
	b.WriteString("><Error><Type>" + blame(e.Status) + "</Type>")
	writeMembers(&b, e)
	b.WriteString("</Error><RequestId>" + id + "</RequestId></ErrorResponse>")
	return b.Bytes()
}

func blame(status int) string {
	if status >= http.StatusInternalServerError {
		return "Receiver"
	}
	return "Sender"
}

// s3Error is the error in S3's form.
func s3Error(e *APIError, resource, id string) []byte {
	var b bytes.Buffer
	b.WriteString("<Error>")
	writeMembers(&b, e)
	writeElement(&b, "Resource", resource)
	writeElement(&b, "RequestId", id)
	b.WriteString("<HostId>emulated</HostId></Error>")
	return b.Bytes()
}

func writeMembers(b *bytes.Buffer, e *APIError) {
	writeElement(b, "Code", e.Code)
	writeElement(b, "Message", e.Message)
	for _, name := range slices.Sorted(maps.Keys(e.Extra)) {
		writeElement(b, name, e.Extra[name])
	}
}

func writeElement(b *bytes.Buffer, name, text string) {
	b.WriteString("<" + name + ">")
	_ = xml.EscapeText(b, []byte(text)) // a buffer takes all
	b.WriteString("</" + name + ">")
}

func element(name string) xml.StartElement { return xml.StartElement{Name: xml.Name{Local: name}} }
