// Package schema describes the tables of the payment service. Amounts are minor units; the checks that guard them and
// the triggers that keep the ledger immutable stand in the migrations.
package schema
