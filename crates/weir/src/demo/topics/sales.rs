//! Questions before somebody buys.

use super::Topic;

pub(in super::super) const SALES: &[Topic] = &[
    Topic {
        name: "sizing",
        questions: &[
            "I am 1.64 m tall. Which size of the City 3 do I need?",
            "My legs are long for my height. Should I take the larger frame?",
            "Is there a model that fits both me (1.70 m) and my son (1.88 m)?",
        ],
        facts: &[
            "For 1.60 to 1.70 m the frame S fits, for 1.68 to 1.80 m the frame M, above that L.",
            "The inside leg decides: in centimetres times 0.66 it gives the height of the frame.",
            "With long legs take the larger frame and a shorter stem.",
            "The Compact has one frame for 1.50 to 1.90 m, because saddle and stem are changed without tools.",
            "On the smaller frame you sit more upright and turn more easily, on the larger one you ride more quietly.",
            "In our shops you can try every size without an appointment.",
            "If the size is wrong we exchange the bicycle once without cost.",
        ],
        articles: &[(
            "Finding your size",
            "Measure the inside leg in shoes. S from 74 cm, M from 79 cm, L from 85 cm.",
        )],
    },
    Topic {
        name: "comparison",
        questions: &[
            "What is the difference between the City 3 and the Tour 5?",
            "Which one is better for 15 km to work with hills?",
            "Is the stronger motor worth 600 euros more?",
        ],
        facts: &[
            "The City 3 weighs 21 kg and has a belt, which needs no oil and no care.",
            "The Tour 5 has a stronger motor with 85 Nm and the larger battery with 725 Wh.",
            "For hills of more than eight per cent the stronger motor makes a clear difference.",
            "For 15 km each way the battery of the City 3 lasts two days, that of the Tour 5 four.",
            "The Tour 5 has suspension in front and tyres for gravel, which costs some speed on asphalt.",
            "If you carry the bicycle up stairs the four kilograms less of the City 3 are what you feel every day.",
            "Both have lights, mudguards and a rack, and both can be locked by the app.",
            "For most ways to work in a town the City 3 is enough.",
        ],
        articles: &[
            ("City 3", "21 kg, belt, 500 Wh, 55 Nm, 2,399 euros."),
            ("Tour 5", "25 kg, chain, 725 Wh, 85 Nm, suspension, 2,999 euros."),
        ],
    },
    Topic {
        name: "leasing",
        questions: &[
            "Does my company's leasing work with you?",
            "What does the Tour 5 cost a month with leasing?",
            "What happens with a leased bicycle when I change jobs?",
        ],
        facts: &[
            "We work with all large leasing companies; choose Leasing at the checkout and enter your employer.",
            "The Tour 5 comes to about 82 euros of the gross pay a month, which is about 49 net.",
            "The contract lasts 36 months and includes insurance and a yearly service.",
            "When you change jobs the new employer can take the contract over, or you buy the bicycle out.",
            "At the end you can buy it for about 18 per cent of its price.",
            "Accessories up to 20 per cent of the price can be part of the contract.",
            "The approval takes one to three working days, and then we deliver from stock.",
        ],
        articles: &[("Leasing", "36 months, insurance and service included, buy-out at about 18 per cent.")],
    },
    Topic {
        name: "availability",
        questions: &[
            "When is the Tour 5 in green available again?",
            "Can I try the Compact in Hamburg?",
            "Do you deliver to Denmark?",
        ],
        facts: &[
            "The Tour 5 in green comes again in week three of next month; you can reserve it now.",
            "A reservation costs nothing and lasts seven days from the message that it is there.",
            "In Hamburg the Compact stands in the shop at the harbour for a test ride.",
            "We deliver to all countries of the EU, to Denmark within five to seven working days for 49 euros.",
            "In black and sand all sizes are in stock and leave within two days.",
            "I can send you a message as soon as your colour is there.",
            "Test rides last half an hour; please bring something to identify yourself.",
        ],
        articles: &[(
            "Delivery abroad",
            "EU: five to seven working days, 49 euros. Switzerland: with customs, 129 euros.",
        )],
    },
];
