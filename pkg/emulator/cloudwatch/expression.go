// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package cloudwatch

import (
	"math"
	"strconv"
	"strings"
	"text/scanner"
)

// operand is what an expression comes to: one number, or series.
type operand struct {
	number float64
	list   []series // nil: a number
	text   string   // a string literal or keyword, as REPEAT
}

// series is an operand as series: a number is the same at all times.
func (o operand) series(w *window) []series {
	if o.list != nil {
		return o.list
	}
	constant := series{}
	for _, at := range w.times(w.period) {
		constant[at.Unix()] = o.number
	}
	return []series{constant}
}

// parser reads an expression of metric math: arithmetic, comparisons, AND, OR, and the functions of the table.
type parser struct {
	window  *window
	scanner scanner.Scanner
	token   rune
	depth   int
}

// evaluate computes an expression. SEARCH, SERVICE_QUOTA and the rest of metric math are refused.
func evaluate(w *window, expression string) (operand, error) {
	p := &parser{window: w}
	p.scanner.Init(strings.NewReader(expression))
	p.scanner.Mode = scanner.ScanIdents | scanner.ScanFloats | scanner.ScanInts | scanner.ScanStrings | scanner.ScanRawStrings
	p.scanner.Error = func(*scanner.Scanner, string) {}
	p.next()
	value, err := p.binary(0)
	if err != nil {
		return operand{}, err
	}
	if p.token != scanner.EOF {
		return operand{}, invalid("Unexpected %q in expression %q.", p.scanner.TokenText(), expression)
	}
	return value, nil
}

func (p *parser) next() { p.token = p.scanner.Scan() }

// levels are the operators from the loosest to the tightest.
var levels = []map[string]func(a, b float64) float64{
	{"OR": func(a, b float64) float64 { return truth(a != 0 || b != 0) }, "||": func(a, b float64) float64 { return truth(a != 0 || b != 0) }},
	{"AND": func(a, b float64) float64 { return truth(a != 0 && b != 0) }, "&&": func(a, b float64) float64 { return truth(a != 0 && b != 0) }},
	{
		">": func(a, b float64) float64 { return truth(a > b) }, ">=": func(a, b float64) float64 { return truth(a >= b) },
		"<": func(a, b float64) float64 { return truth(a < b) }, "<=": func(a, b float64) float64 { return truth(a <= b) },
		"==": func(a, b float64) float64 { return truth(a == b) }, "!=": func(a, b float64) float64 { return truth(a != b) },
	},
	{"+": func(a, b float64) float64 { return a + b }, "-": func(a, b float64) float64 { return a - b }},
	{"*": func(a, b float64) float64 { return a * b }, "/": func(a, b float64) float64 { return a / b }},
}

func truth(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// binary reads operators of a level and tighter ones.
func (p *parser) binary(level int) (operand, error) {
	if level == len(levels) {
		return p.unary()
	}
	left, err := p.binary(level + 1)
	for err == nil {
		tokens, do := p.operator(level)
		if do == nil {
			return left, nil
		}
		for range tokens {
			p.next()
		}
		var right operand
		if right, err = p.binary(level + 1); err == nil {
			left = p.combine(left, right, do)
		}
	}
	return operand{}, err
}

// operator is the one at the current token, if it is of the level, and of how many tokens it is.
func (p *parser) operator(level int) (tokens int, do func(a, b float64) float64) {
	text := p.scanner.TokenText()
	if p.token == scanner.EOF || p.token == scanner.String {
		return 0, nil
	}
	if pair := text + string(p.scanner.Peek()); p.token != scanner.Ident && known(pair) {
		return 2, levels[level][pair]
	}
	return 1, levels[level][text]
}

func known(operator string) bool {
	for _, level := range levels {
		if level[operator] != nil {
			return true
		}
	}
	return false
}

// combine applies an operator to numbers, or at each time at which both series have a value. What is no number is dropped.
func (p *parser) combine(a, b operand, do func(a, b float64) float64) operand {
	if a.list == nil && b.list == nil {
		return operand{number: do(a.number, b.number)}
	}
	left, right := a.series(p.window), b.series(p.window)
	var list []series
	for i := range max(len(left), len(right)) {
		x, y := left[min(i, len(left)-1)], right[min(i, len(right)-1)]
		result := series{}
		for at, value := range x {
			other, ok := y[at]
			if combined := do(value, other); ok && !math.IsNaN(combined) && !math.IsInf(combined, 0) {
				result[at] = combined
			}
		}
		list = append(list, result)
	}
	return operand{list: list}
}

func (p *parser) unary() (operand, error) {
	if p.depth++; p.depth > 100 {
		return operand{}, invalid("The expression is nested too deep.")
	}
	defer func() { p.depth-- }()
	text, token := p.scanner.TokenText(), p.token
	p.next()
	switch token {
	case '-':
		value, err := p.unary()
		return p.combine(operand{}, value, func(a, b float64) float64 { return a - b }), err
	case scanner.Int, scanner.Float:
		number, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return operand{}, invalid("%q is no number.", text)
		}
		return operand{number: number}, nil
	case scanner.String:
		return operand{text: strings.Trim(text, `"`)}, nil
	case '(':
		return p.group(')')
	case '[':
		list, err := p.arguments(']')
		return p.joined(list), err
	case scanner.Ident:
		return p.named(text)
	}
	return operand{}, invalid("Unexpected %q in an expression.", text)
}

func (p *parser) group(end rune) (operand, error) {
	value, err := p.binary(0)
	if err != nil {
		return operand{}, err
	}
	if p.token != end {
		return operand{}, invalid("An expression lacks %q.", string(end))
	}
	p.next()
	return value, nil
}

// arguments reads a list up to its end.
func (p *parser) arguments(end rune) ([]operand, error) {
	var list []operand
	for p.token != end {
		value, err := p.binary(0)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
		if p.token == ',' {
			p.next()
		} else if p.token != end {
			return nil, invalid("An expression lacks %q.", string(end))
		}
	}
	p.next()
	return list, nil
}

// joined is an array of series.
func (p *parser) joined(list []operand) operand {
	joined := operand{list: []series{}}
	for _, o := range list {
		joined.list = append(joined.list, o.series(p.window)...)
	}
	return joined
}

// named is a function's value or a metric by its id.
func (p *parser) named(name string) (operand, error) {
	if p.token != '(' {
		if name == "REPEAT" || name == "LINEAR" {
			return operand{text: name}, nil
		}
		list, err := p.window.get(name)
		return operand{list: list}, err
	}
	p.next()
	if name == "ANOMALY_DETECTION_BAND" {
		return p.anomaly()
	}
	arguments, err := p.arguments(')')
	if err != nil {
		return operand{}, err
	}
	do := functions[name]
	if do == nil {
		p.window.service.world.Strict("cloudwatch: unknown function %s in an expression", name)
		return operand{}, invalid("The function %s is not known here.", name)
	}
	return do(p.window, arguments)
}

// anomaly is ANOMALY_DETECTION_BAND(id, width), the width being 2 where it is left out.
func (p *parser) anomaly() (operand, error) {
	q := p.window.queries[p.scanner.TokenText()]
	if q == nil || q.MetricStat == nil {
		return operand{}, invalid("ANOMALY_DETECTION_BAND needs a metric.")
	}
	p.next()
	width := 2.0
	if p.token == ',' {
		p.next()
		value, err := p.binary(0)
		if err != nil {
			return operand{}, err
		}
		width = value.number
	}
	if p.token != ')' {
		return operand{}, invalid("ANOMALY_DETECTION_BAND lacks its end.")
	}
	p.next()
	return operand{list: p.window.band(q.MetricStat, width)}, nil
}

// functions of metric math.
var functions = map[string]func(w *window, arguments []operand) (operand, error){
	"SUM":     folded(func(values []float64) float64 { return total(values) }),
	"AVG":     folded(func(values []float64) float64 { return total(values) / float64(len(values)) }),
	"MIN":     folded(func(values []float64) float64 { return fold(values, math.Min) }),
	"MAX":     folded(func(values []float64) float64 { return fold(values, math.Max) }),
	"ABS":     mapped(math.Abs),
	"CEIL":    mapped(math.Ceil),
	"FLOOR":   mapped(math.Floor),
	"IF":      choose,
	"FILL":    fill,
	"METRICS": allMetrics,
	"PERIOD":  func(w *window, _ []operand) (operand, error) { return operand{number: w.period.Seconds()}, nil },
}

func total(values []float64) float64 {
	return fold(values, func(a, b float64) float64 { return a + b })
}

func fold(values []float64, do func(a, b float64) float64) float64 {
	result := values[0]
	for _, value := range values[1:] {
		result = do(result, value)
	}
	return result
}

// folded makes one number of one series, and one series of several.
func folded(do func(values []float64) float64) func(*window, []operand) (operand, error) {
	return func(w *window, arguments []operand) (operand, error) {
		if len(arguments) != 1 {
			return operand{}, invalid("A function has %d arguments, want 1.", len(arguments))
		}
		list := arguments[0].series(w)
		if len(list) == 1 {
			var values []float64
			for _, at := range list[0].times(false) {
				values = append(values, list[0][at])
			}
			if len(values) == 0 {
				return operand{list: []series{{}}}, nil
			}
			return operand{number: do(values)}, nil
		}
		at := map[int64][]float64{}
		for _, values := range list {
			for time, value := range values {
				at[time] = append(at[time], value)
			}
		}
		result := series{}
		for time, values := range at {
			result[time] = do(values)
		}
		return operand{list: []series{result}}, nil
	}
}

func mapped(do func(float64) float64) func(*window, []operand) (operand, error) {
	return func(w *window, arguments []operand) (operand, error) {
		if len(arguments) != 1 {
			return operand{}, invalid("A function has %d arguments, want 1.", len(arguments))
		}
		p := &parser{window: w}
		return p.combine(arguments[0], operand{}, func(a, _ float64) float64 { return do(a) }), nil
	}
}

// choose is IF(condition, then, else); without else, times at which the condition does not hold have no value.
func choose(w *window, arguments []operand) (operand, error) {
	if len(arguments) < 2 || len(arguments) > 3 {
		return operand{}, invalid("IF has %d arguments, want 2 or 3.", len(arguments))
	}
	condition, then := arguments[0].series(w)[0], arguments[1].series(w)[0]
	otherwise := series{}
	if len(arguments) == 3 {
		otherwise = arguments[2].series(w)[0]
	}
	result := series{}
	for at, holds := range condition {
		branch := otherwise
		if holds != 0 {
			branch = then
		}
		if value, ok := branch[at]; ok {
			result[at] = value
		}
	}
	return operand{list: []series{result}}, nil
}

// fill is FILL(metric, number) or FILL(metric, REPEAT).
func fill(w *window, arguments []operand) (operand, error) {
	if len(arguments) != 2 {
		return operand{}, invalid("FILL has %d arguments, want 2.", len(arguments))
	}
	result := operand{list: []series{}}
	for _, values := range arguments[0].series(w) {
		filled := series{}
		last, have := arguments[1].number, arguments[1].text == ""
		for _, at := range w.times(w.period) {
			value, ok := values[at.Unix()]
			if !ok {
				value = last
			}
			if ok && arguments[1].text != "" {
				last, have = value, true
			}
			if ok || have {
				filled[at.Unix()] = value
			}
		}
		result.list = append(result.list, filled)
	}
	return result, nil
}

// allMetrics is METRICS(): every metric of the request.
func allMetrics(w *window, arguments []operand) (operand, error) {
	result := operand{list: []series{}}
	for _, id := range w.order {
		if q := w.queries[id]; q.MetricStat != nil && (len(arguments) == 0 || strings.Contains(id, arguments[0].text)) {
			result.list = append(result.list, w.metric(q.MetricStat))
		}
	}
	return result, nil
}
