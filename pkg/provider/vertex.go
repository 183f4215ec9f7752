package provider

import (
	"context"
	"net/http"
)

type vertex struct{}

func (v *vertex) path(rest string) string                              { return rest }
func (v *vertex) authorize(ctx context.Context, out *http.Request) error { return nil }
