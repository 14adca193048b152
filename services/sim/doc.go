// Package sim proves by simulation that no order is lost, no cent and no bottle, whatever is delivered twice or in another
// order and wherever a process dies.
//
// Its tests put the real services together on real databases, with a broker and a clock that are simulated: a scheduler,
// seeded by a number, decides at each step which events are published, which are delivered to whom, how often and in what
// order, what customers and staff do meanwhile, how much time passes, and where a process dies: within a transaction,
// between commit and acknowledgement, between commit and publishing, between publishing and marking. In the end every order
// must have ended, the books must balance, and hearing everything once more without any memory of it must change nothing.
//
// A failure names its seed, which repeats the run:
//
//	go test ./sim -sim.seed 4711
//	go test ./sim -sim.seeds 5000 -timeout 2h
//
// TAPROOM_SIM_SEEDS is the same as -sim.seeds.
package sim
