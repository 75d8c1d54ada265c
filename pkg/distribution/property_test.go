// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package distribution

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
)

// mutate changes the tree in place, here and there, as people and deployments do.
func mutate(random *rand.Rand, value any) any {
	switch value := value.(type) {
	case map[string]any:
		for _, key := range bothKeys(value, nil) {
			if random.IntN(40) == 0 {
				delete(value, key)
				continue
			}
			value[key] = mutate(random, value[key])
		}
		if random.IntN(10) == 0 {
			value["Extra"+strconv.Itoa(random.IntN(3))] = json.Number(strconv.Itoa(random.IntN(9)))
		}
		return value
	case []any:
		return mutateList(random, value)
	case string:
		if random.IntN(10) == 0 {
			return value + strconv.Itoa(random.IntN(3))
		}
	}
	return value
}

func mutateList(random *rand.Rand, list []any) any {
	list = slices.Clone(list)
	for i := range list {
		list[i] = mutate(random, list[i])
	}
	if random.IntN(3) == 0 {
		random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	}
	if len(list) > 0 && random.IntN(6) == 0 {
		list = append(list, list[random.IntN(len(list))]) // a double: no list of CloudFront's, but nobody else's fault
	}
	if len(list) > 0 && random.IntN(4) == 0 {
		list = slices.Delete(list, 0, 1)
	}
	return list
}

func mutated(t *testing.T, random *rand.Rand) Config {
	t.Helper()
	tree := mutate(random, normalObject("", shop(t).tree))
	return parse(t, string(encode(tree)))
}

func TestADifferenceLeadsFromAnyConfigurationToAnyOther(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 503))
		a, b := mutated(t, random), mutated(t, random)
		got, err := Apply(a, Diff(a, b))
		if err != nil || !got.Equal(b) {
			t.Fatalf("seed %d: %v\n%s", seed, err, got.Canonical())
		}
		back, err := Apply(b, Diff(b, a))
		if err != nil || !back.Equal(a) {
			t.Fatalf("seed %d, back: %v", seed, err)
		}
		if d := Diff(a, a); d != nil {
			t.Fatalf("seed %d differs from itself in %v", seed, changes(d))
		}
	}
}
