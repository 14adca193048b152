package password

// Occupy takes one of the hasher's places until release is called.
func Occupy(h *Hasher) (release func()) {
	h.slots <- struct{}{}
	return func() { <-h.slots }
}
