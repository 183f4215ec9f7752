package config

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestPricesAreTheFilesOwnSection(t *testing.T) {
	dir := t.TempDir()
	path := write(t, dir, "config.yaml", "port: 9001\nprices:\n  vllm:\n    \"*\": {input: 0.05}\n")
	c, err := Load(env(t, map[string]string{"ARCHESTRA_CONFIG": path}), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]map[string]map[string]string
	if err := c.DecodePrices(&got); err != nil || got["vllm"]["*"]["input"] != "0.05" {
		t.Errorf("%v %v", got, err)
	}
	var wrong int
	if err := c.DecodePrices(&wrong); err == nil || !strings.Contains(err.Error(), filepath.Base(path)+":3") {
		t.Errorf("%v", err)
	}
	bad := write(t, dir, "bad.yaml", "prices: 3\n")
	if _, err := Load(env(t, map[string]string{"ARCHESTRA_CONFIG": bad}), dir, nil); err == nil {
		t.Error("prices that are no mapping passed")
	}
}
