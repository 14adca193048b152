package service

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/taproom-shop/taproom/services/catalog/internal/domain"
	"github.com/taproom-shop/taproom/services/catalog/internal/store"
)

// PicturePattern is where pictures are served: `/pictures/<beer id>/<hash of the content>`.
const PicturePattern = "/pictures/"

// An address never shows another picture, since it names the content.
const pictureCaching = "public, max-age=31536000, immutable"

// An SVG opened by itself is a document of this origin. It may paint and nothing else.
const svgPolicy = "default-src 'none'; style-src 'unsafe-inline'; sandbox"

// Pictures serves the pictures of beers.
func Pictures(s *store.Store, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+PicturePattern+"{beer}/{hash}", func(w http.ResponseWriter, r *http.Request) {
		picture, err := s.Picture(r.Context(), r.PathValue("beer"), r.PathValue("hash"))
		header := w.Header()
		header.Set("X-Content-Type-Options", "nosniff")
		switch {
		case errors.Is(err, store.ErrPictureNotFound):
			header.Set("Cache-Control", "no-store")
			http.Error(w, "There is no such picture.", http.StatusNotFound)
			return
		case err != nil:
			if r.Context().Err() == nil {
				log.ErrorContext(r.Context(), "reading a picture failed", slog.Any("error", err))
			}
			header.Set("Cache-Control", "no-store")
			http.Error(w, "The picture can't be read right now.", http.StatusServiceUnavailable)
			return
		}
		header.Set("Content-Type", picture.ContentType)
		header.Set("Cache-Control", pictureCaching)
		header.Set("ETag", `"`+picture.Hash+`"`)
		if picture.ContentType == domain.SVG {
			header.Set("Content-Security-Policy", svgPolicy)
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(picture.Data))
	})
	return mux
}
