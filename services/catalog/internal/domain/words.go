package domain

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxWord bounds a word in bytes; what is longer is cut. PostgreSQL refuses lexemes of 2 KiB.
const maxWord = 64

// letters that have no decomposition but are typed without their ornament.
var plainLetters = strings.NewReplacer("ß", "ss", "æ", "ae", "œ", "oe", "ø", "o", "đ", "d", "ł", "l", "ı", "i")

// Fold makes texts comparable the way people type them: lower case, without accents. Fold("Kölsch") is "kolsch".
func Fold(text string) string {
	var folded strings.Builder
	folded.Grow(len(text))
	for _, r := range norm.NFKD.String(text) {
		if !unicode.Is(unicode.M, r) {
			folded.WriteRune(unicode.ToLower(r))
		}
	}
	return plainLetters.Replace(folded.String())
}

// Words returns the folded words of a text, runs of letters and digits, in their order. Both search indexes hold exactly
// these and queries are split by the same rule, so that nothing a customer types has a meaning in a query language.
func Words(text string) []string {
	words := strings.FieldsFunc(Fold(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) })
	for i, word := range words {
		words[i] = cut(word)
	}
	return words
}

func cut(word string) string {
	if len(word) <= maxWord {
		return word
	}
	end := maxWord
	for !utf8.RuneStart(word[end]) {
		end--
	}
	return word[:end]
}
