package service

import (
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	paymentv1 "github.com/taproom-shop/taproom/gen/go/taproom/payment/v1"
	typev1 "github.com/taproom-shop/taproom/gen/go/taproom/type/v1"
	"github.com/taproom-shop/taproom/services/internal/money"
	"github.com/taproom-shop/taproom/services/payment/internal/domain"
	"github.com/taproom-shop/taproom/services/payment/internal/store"
)

func euros(minor int64) *typev1.Money { return money.New(minor, domain.Currency).Proto() }

func toWallet(w domain.Wallet) *paymentv1.Wallet {
	return &paymentv1.Wallet{Balance: euros(w.Balance), Available: euros(w.Available()), Version: w.Version}
}

var transactionKinds = map[domain.TransferKind]paymentv1.TransactionKind{
	domain.TopUp:    paymentv1.TransactionKind_TRANSACTION_KIND_TOP_UP,
	domain.Hold:     paymentv1.TransactionKind_TRANSACTION_KIND_HOLD,
	domain.Take:     paymentv1.TransactionKind_TRANSACTION_KIND_CAPTURE,
	domain.Release:  paymentv1.TransactionKind_TRANSACTION_KIND_VOID,
	domain.GiveBack: paymentv1.TransactionKind_TRANSACTION_KIND_REFUND,
}

func toTransaction(t domain.Transfer) *paymentv1.Transaction {
	transaction := &paymentv1.Transaction{
		Id: t.ID, Kind: transactionKinds[t.Kind], Amount: euros(t.Amount), OrderId: t.Reference, CreatedAt: timestamppb.New(t.CreatedAt),
	}
	switch t.Kind {
	case domain.TopUp:
		transaction.OrderId = ""
	case domain.Hold, domain.Take:
		transaction.Amount = euros(-t.Amount)
	case domain.Release, domain.GiveBack:
	}
	return transaction
}

func toCard(c store.Card) *paymentv1.Card {
	return &paymentv1.Card{
		Id: c.ID, Brand: c.Brand, Last4: c.Last4, ExpMonth: int32(c.ExpMonth), ExpYear: int32(c.ExpYear), CreatedAt: timestamppb.New(c.CreatedAt),
	}
}

var paymentStates = map[domain.State]paymentv1.PaymentState{
	domain.Authorizing: paymentv1.PaymentState_PAYMENT_STATE_AUTHORIZING,
	domain.Authorized:  paymentv1.PaymentState_PAYMENT_STATE_AUTHORIZED,
	domain.Declined:    paymentv1.PaymentState_PAYMENT_STATE_DECLINED,
	domain.Capturing:   paymentv1.PaymentState_PAYMENT_STATE_CAPTURING,
	domain.Captured:    paymentv1.PaymentState_PAYMENT_STATE_CAPTURED,
	domain.Voiding:     paymentv1.PaymentState_PAYMENT_STATE_VOIDING,
	domain.Voided:      paymentv1.PaymentState_PAYMENT_STATE_VOIDED,
	domain.Refunding:   paymentv1.PaymentState_PAYMENT_STATE_REFUNDING,
	domain.Refunded:    paymentv1.PaymentState_PAYMENT_STATE_REFUNDED,
}

func toPayment(p domain.Payment) *paymentv1.Payment {
	return &paymentv1.Payment{
		Id: p.ID, OrderId: p.OrderID, UserId: p.UserID, State: paymentStates[p.State], Amount: euros(p.Amount),
		Captured: euros(p.Captured), Refunded: euros(p.Refunded), Method: string(p.Method), DeclineReason: p.DeclineReason,
		CreatedAt: timestamppb.New(p.CreatedAt), UpdatedAt: timestamppb.New(p.UpdatedAt),
	}
}

func toInvariant(f store.Finding) *typev1.Invariant {
	invariant := &typev1.Invariant{
		Name: f.Rule, Description: f.Description, Checked: f.Checked, Findings: f.Findings, Status: typev1.InvariantStatus_INVARIANT_STATUS_OK,
	}
	switch {
	case f.Broken:
		invariant.Status = typev1.InvariantStatus_INVARIANT_STATUS_BROKEN
	case f.Pending:
		invariant.Status = typev1.InvariantStatus_INVARIANT_STATUS_PENDING
	}
	if f.Age > 0 {
		invariant.Age = durationpb.New(f.Age)
	}
	return invariant
}
