package driver

// steps is how many steps a tour has; with the last one the parcel is delivered.
const steps = 5

// leg is a step of a tour: its number, from 1, and how much of the way to the customer is behind then, in percent.
type leg struct{ step, progress int32 }

// out is the way to the customer's door.
func out() []leg {
	legs := make([]leg, 0, steps-1)
	for step := int32(1); step < steps; step++ {
		legs = append(legs, leg{step, 100 * step / steps})
	}
	return legs
}

// back is the way from the customer's door to the warehouse. Its numbers go on from those of the way out.
func back() []leg {
	legs := make([]leg, 0, steps-2)
	for step := int32(steps); step < 2*steps-2; step++ {
		legs = append(legs, leg{step, 100 * (2*steps - 2 - step) / steps})
	}
	return legs
}
