package bench

// Measures are all of them, in the order of docs/benchmarks.md.
func Measures() []Measure {
	return []Measure{
		latencyMeasure, rereadMeasure, tailMeasure, coldstartMeasure, translateMeasure, wanMeasure, throughputMeasure, matchMeasure, soakMeasure,
	}
}
