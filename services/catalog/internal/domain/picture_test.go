package domain_test

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/catalog/internal/domain"
	"github.com/taproom-shop/taproom/services/catalog/seed"
)

// A WebP of one pixel.
const tinyWebP = "UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA"

func bitmaps(t *testing.T) map[string][]byte {
	t.Helper()
	dot := image.NewGray(image.Rect(0, 0, 1, 1))
	var asPNG, asJPEG bytes.Buffer
	require.NoError(t, png.Encode(&asPNG, dot))
	require.NoError(t, jpeg.Encode(&asJPEG, dot, nil))
	asWebP, err := base64.StdEncoding.DecodeString(tinyWebP)
	require.NoError(t, err)
	return map[string][]byte{domain.PNG: asPNG.Bytes(), domain.JPEG: asJPEG.Bytes(), domain.WebP: asWebP}
}

func TestBitmapsMustBeWhatTheyAreCalled(t *testing.T) {
	all := bitmaps(t)
	for called := range all {
		for is, data := range all {
			picture, err := domain.NewPicture(called, data)
			if called != is {
				require.Error(t, err, "%s called %s", is, called)
				continue
			}
			require.NoError(t, err)
			require.Len(t, picture.Hash, 32)
			require.Equal(t, data, picture.Data)
		}
		_, err := domain.NewPicture(domain.SVG, all[called])
		require.Error(t, err)
	}
	_, err := domain.NewPicture("image/gif", []byte("GIF89a"))
	require.Error(t, err)
}

func TestHugeBitmapsAreRefused(t *testing.T) {
	var data bytes.Buffer
	require.NoError(t, png.Encode(&data, image.NewGray(image.Rect(0, 0, 5000, 1))))
	_, err := domain.NewPicture(domain.PNG, data.Bytes())
	require.ErrorContains(t, err, "4096")
}

func svg(content string) []byte {
	return []byte(`<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 1 1">` + content + `</svg>`)
}

func TestHarmlessSVGsPass(t *testing.T) {
	for _, content := range []string{
		``,
		`<title>one &amp; two</title><!-- a comment --><rect width="1" height="1" fill="url(#shade)" style="fill: url( '#shade' )"/>`,
		`<defs><linearGradient id="shade"><stop offset="0" stop-color="#fff"/></linearGradient></defs><use href="#a"/><use xlink:href="#a"/>`,
		`<style>.beer { fill: #fc0; /* gold */ }</style>`,
		`<text font-family="serif">on the house: onions only</text>`,
	} {
		_, err := domain.NewPicture(domain.SVG, append([]byte(`<?xml version="1.0" encoding="UTF-8"?>`), svg(content)...))
		require.NoError(t, err, content)
	}
	data, err := seed.Load()
	require.NoError(t, err)
	for _, beer := range data.Beers {
		picture, err := domain.NewPicture(domain.SVG, seed.Picture(beer, seed.Style{ID: beer.Style}, seed.Brewery{ID: beer.Brewery}))
		require.NoError(t, err, beer.Slug)
		require.Less(t, len(picture.Data), 200_000)
	}
}

func TestDangerousSVGsAreRefused(t *testing.T) {
	for name, content := range map[string]string{
		"script":              `<script>alert(1)</script>`,
		"script in capitals":  `<SCRIPT>alert(1)</SCRIPT>`,
		"script with prefix":  `<s:script xmlns:s="http://www.w3.org/2000/svg">alert(1)</s:script>`,
		"script of HTML":      `<script xmlns="http://www.w3.org/1999/xhtml">alert(1)</script>`,
		"any HTML":            `<b xmlns="http://www.w3.org/1999/xhtml">bold</b>`,
		"foreign object":      `<foreignObject><p/></foreignObject>`,
		"event handler":       `<rect onload="alert(1)"/>`,
		"event in capitals":   `<rect ONCLICK="alert(1)"/>`,
		"link":                `<a href="#x"><rect/></a>`,
		"external image":      `<image href="https://evil.example/x.png"/>`,
		"external xlink":      `<image xlink:href="//evil.example/x.png"/>`,
		"data image":          `<image href="data:image/svg+xml;base64,PHN2Zz4="/>`,
		"external use":        `<use href="/other.svg#a"/>`,
		"base":                `<g xml:base="https://evil.example/"/>`,
		"changing an href":    `<use href="#a"><set attributeName="href" to="https://evil.example/#a"/></use>`,
		"animating":           `<animate attributeName="href" values="x"/>`,
		"external fill":       `<rect fill="url(https://evil.example/#a)"/>`,
		"external style":      `<rect style="fill: URL( 'https://evil.example/#a')"/>`,
		"second url":          `<rect style="fill: url(#a) url(https://evil.example)"/>`,
		"style element":       `<style>rect { fill: url(https://evil.example) }</style>`,
		"import":              `<style>@import "https://evil.example";</style>`,
		"import, split":       `<style>@im<!-- -->port "https://evil.example";</style>`,
		"import, CDATA":       `<style><![CDATA[@import "https://evil.example";]]></style>`,
		"import, entity":      `<style>&#64;import "https://evil.example";</style>`,
		"escaped style":       `<style>rect { fill: \75rl(https://evil.example) }</style>`,
		"broken":              `<rect>`,
		"unknown entity":      `<text>&unknown;</text>`,
		"nested instructions": `<?php evil() ?>`,
	} {
		_, err := domain.NewPicture(domain.SVG, svg(content))
		require.Error(t, err, name)
	}
	for name, document := range map[string]string{
		"empty":               ``,
		"text":                `hello`,
		"no namespace":        `<svg><rect/></svg>`,
		"HTML":                `<html xmlns="http://www.w3.org/1999/xhtml"/>`,
		"document type":       `<!DOCTYPE svg [<!ENTITY x "y">]>` + string(svg(``)),
		"style sheet":         `<?xml-stylesheet href="https://evil.example"?>` + string(svg(``)),
		"two roots":           string(svg(``)) + string(svg(``)),
		"handler on the root": strings.Replace(string(svg(``)), "<svg", `<svg onload="x()"`, 1),
		"other encoding":      `<?xml version="1.0" encoding="UTF-7"?>` + string(svg(``)),
	} {
		_, err := domain.NewPicture(domain.SVG, []byte(document))
		require.Error(t, err, name)
	}
}
