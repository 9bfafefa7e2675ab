//! Questions about money: refunds, invoices, payments.

use super::Topic;

pub(in super::super) const BILLING: &[Topic] = &[
    Topic {
        name: "refund",
        questions: &[
            "I sent the helmet of {order} back nine days ago. Where is my money?",
            "I want to return the bicycle of {order}. It is too small for me.",
            "You only refunded a part of {order}. Why?",
            "Can I have the refund on another card? The old one has expired.",
        ],
        facts: &[
            "The return of {order} was booked in our warehouse and the refund is on its way.",
            "Articles can go back within 30 days as long as they were not ridden further than 20 kilometres.",
            "We refund the way you paid, which is what the law asks of us.",
            "The voucher of the order was divided over its articles, so a part of it stays with what you keep.",
            "With an expired card your bank passes the money on to the new one.",
            "A bicycle is picked up at your door; the label comes by e-mail within a day.",
            "From the day it arrives with us the refund takes up to five working days.",
            "For traces of use we keep what the repair costs, never more than 15 per cent.",
        ],
        articles: &[
            ("Returns", "30 days, at most 20 km ridden, in the original box. Bicycles are picked up free of charge."),
            (
                "When is my refund there?",
                "Booked within two working days after arrival; the bank takes two to five more.",
            ),
            ("Vouchers", "A voucher is divided over the articles of an order in proportion to their price."),
        ],
    },
    Topic {
        name: "invoice",
        questions: &[
            "I need the invoice of {order} with the name of my company on it.",
            "The VAT number is missing on the invoice for {order}.",
            "Can you send me all invoices of this year?",
        ],
        facts: &[
            "An invoice can be reissued with another address within the same year.",
            "Please tell me the name, the address and the VAT number as they are registered.",
            "The new invoice for {order} cancels the old one and has a number of its own.",
            "All invoices are in your account under Orders, Documents, also as one file per year.",
            "For leasing the invoice goes to the leasing company, and you get a copy.",
            "Within the EU we can invoice without VAT when the number is valid on the day of delivery.",
            "The reissued invoice reaches you within a working day.",
        ],
        articles: &[
            (
                "Invoices for companies",
                "Enter the VAT number before ordering, or ask for a new invoice within the same year.",
            ),
            ("Where are my documents?", "Account, Orders, Documents. One file per year for the tax office."),
        ],
    },
    Topic {
        name: "payment",
        questions: &[
            "I was charged twice for {order}!",
            "My card is refused although there is enough money on it.",
            "Can I change {order} from invoice to monthly rates?",
            "What is the charge of 4.90 on my statement?",
        ],
        facts: &[
            "I see one payment and one reservation for {order}; the reservation expires within seven days.",
            "A refused card is mostly a matter of the bank's confirmation in its app, which must be open.",
            "Rates are possible for orders from 300 euros, in 6, 12 or 24 months without interest.",
            "The change to rates has to be made before the order leaves the warehouse.",
            "The charge of 4.90 is the monthly fee of the plan Care, which can be ended every month.",
            "If both payments were really booked we send the second one back on the same day.",
            "For large amounts a daily limit of the card may be the reason.",
            "You can pay the order again with the link in our e-mail, also with another card.",
        ],
        articles: &[
            ("Charged twice?", "Mostly a reservation besides the payment. It expires by itself within seven days."),
            ("Paying in rates", "From 300 euros, 6, 12 or 24 months, without interest, before the order leaves."),
        ],
    },
    Topic {
        name: "subscription",
        questions: &[
            "How do I end Care Plus?",
            "I was charged for Care although I ended it in spring.",
            "What is the difference between Care and Care Plus?",
        ],
        facts: &[
            "Both plans can be ended every month in the app under Account, Plans.",
            "The plan then lasts to the end of the month that is already paid.",
            "Care covers the yearly service and theft, Care Plus also electronic parts for four years.",
            "I see that the plan was ended and that one month too many was charged; it goes back today.",
            "Care costs 4.90 and Care Plus 9.90 a month for each bicycle.",
            "A claim that was made while the plan was running is still settled afterwards.",
            "After ending it you can come back within 60 days without a new inspection.",
        ],
        articles: &[
            (
                "Plans",
                "Care: service and theft, 4.90 a month. Care Plus: also electronic parts for four years, 9.90 a month.",
            ),
            ("Ending a plan", "App, Account, Plans, End. It lasts to the end of the paid month."),
        ],
    },
];
