package domain

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

const svgNamespace = "http://www.w3.org/2000/svg"

// Elements that run code, embed other documents, lead away, or change attributes after they were checked.
var forbiddenElements = []string{
	"script", "foreignobject", "iframe", "object", "embed", "a", "handler", "listener",
	"animate", "animatetransform", "animatemotion", "set", "discard",
}

// checkSVG refuses a document that is no SVG, that can run anything, or that refers to anything outside of itself.
func checkSVG(data []byte) error {
	decoder := xml.NewDecoder(bytes.NewReader(data))
	depth, roots := 0, 0
	var style strings.Builder // all text of a <style>, which comments and CDATA sections can split
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("it is not well-formed XML: %w", err)
		}
		switch token := token.(type) {
		case xml.Directive:
			return errors.New("it has a document type declaration")
		case xml.ProcInst:
			if token.Target != "xml" {
				return fmt.Errorf("it has a processing instruction <?%s", token.Target)
			}
		case xml.StartElement:
			if depth == 0 {
				roots++
			}
			depth++
			if err := checkElement(token, depth == 1); err != nil {
				return err
			}
			style.Reset()
		case xml.CharData:
			style.Write(token)
		case xml.EndElement:
			depth--
			if token.Name.Local == "style" {
				if err := checkStyle(style.String()); err != nil {
					return err
				}
			}
		}
	}
	if roots != 1 {
		return errors.New("it needs exactly one root element <svg>")
	}
	return nil
}

func checkElement(element xml.StartElement, root bool) error {
	name := element.Name.Local
	if root && (name != "svg" || element.Name.Space != svgNamespace) {
		return fmt.Errorf(`its root is not <svg xmlns=%q>`, svgNamespace)
	}
	if element.Name.Space != svgNamespace {
		return fmt.Errorf("<%s> is not of SVG", name)
	}
	if slices.Contains(forbiddenElements, strings.ToLower(name)) {
		return fmt.Errorf("<%s> is not allowed", name)
	}
	for _, attribute := range element.Attr {
		if err := checkAttribute(attribute); err != nil {
			return err
		}
	}
	return nil
}

func checkAttribute(attribute xml.Attr) error {
	name, value := strings.ToLower(attribute.Name.Local), strings.TrimSpace(attribute.Value)
	switch {
	case attribute.Name.Space == "xmlns" || attribute.Name.Local == "xmlns":
		return nil
	case strings.HasPrefix(name, "on"):
		return fmt.Errorf("the event handler %s is not allowed", attribute.Name.Local)
	case name == "href" && !strings.HasPrefix(value, "#"):
		return errors.New("href may only refer to the picture itself, such as #label")
	case name == "src" || name == "base":
		return fmt.Errorf("the attribute %s is not allowed", attribute.Name.Local)
	default:
		// Any presentation attribute may hold url(…), as a style does.
		return checkStyle(value)
	}
}

// checkStyle refuses what loads: @import, and url(…) of anything but a part of the picture. Escapes are refused, too,
// since they can hide either.
func checkStyle(text string) error {
	text = strings.ToLower(text)
	if strings.Contains(text, `\`) {
		return errors.New("escapes are not allowed in styles")
	}
	for _, forbidden := range []string{"@import", "@font-face", "javascript:", "image(", "image-set(", "expression("} {
		if strings.Contains(text, forbidden) {
			return fmt.Errorf("%s is not allowed in styles", forbidden)
		}
	}
	for rest := text; ; {
		_, after, found := strings.Cut(rest, "url(")
		if !found {
			return nil
		}
		if !strings.HasPrefix(strings.TrimLeft(after, " \t\n\r\"'"), "#") {
			return errors.New("url(…) may only refer to the picture itself, such as url(#shade)")
		}
		rest = after
	}
}
