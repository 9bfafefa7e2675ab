//! Questions about bicycles that are already with the customer, or on their way.

use super::Topic;

pub(in super::super) const SUPPORT: &[Topic] = &[
    Topic {
        name: "delivery",
        questions: &[
            "Where is my order {order}? It was supposed to arrive on Tuesday.",
            "The tracking page for {order} has not changed for three days. Is the parcel lost?",
            "Can the carrier leave the box with my neighbour?",
            "I will be away next week. Can you hold {order} back until I return?",
        ],
        facts: &[
            "Order {order} left our warehouse and is with the carrier.",
            "Bicycles travel in two boxes, and the second one may arrive a day later.",
            "The carrier rings once and then leaves a card with a number for a new date.",
            "Tracking is updated at every depot, so a pause of two days over the weekend is usual.",
            "You can choose a neighbour or a new date on the carrier's page with the number from our e-mail.",
            "We can hold an order back for up to 14 days as long as it has not been handed over.",
            "If nothing has arrived within five working days we send a replacement without further questions.",
            "The driver needs about two metres of level ground to unload the box.",
        ],
        articles: &[
            (
                "When will my bicycle arrive?",
                "Stock models leave within two working days. Delivery takes three to five working days and comes with a date by e-mail.",
            ),
            (
                "The carrier missed me",
                "The card in your letter box has a code. Enter it on the carrier's page and choose a date, a neighbour or a shop.",
            ),
        ],
    },
    Topic {
        name: "battery",
        questions: &[
            "My battery only lasts 35 km although the manual says 80. Is it broken?",
            "The charger blinks red and stops after ten minutes. What should I do?",
            "May I leave the battery on the bicycle in the winter?",
            "How do I know how worn the battery is?",
        ],
        facts: &[
            "Range depends on the level of support, the load, the wind and above all the temperature.",
            "At 0 °C a battery gives about a third less than at 20 °C, and it recovers when it is warm.",
            "Please charge it once to the full at room temperature and ride it in the level Eco.",
            "A red light that blinks three times means that the battery is too cold or too hot to charge.",
            "In the app under Bicycle, Battery you find its health in per cent and the number of cycles.",
            "Below 70 per cent within two years we replace it under the warranty.",
            "Store it at 30 to 60 per cent in a dry room between 10 and 20 °C.",
            "Do not open the housing, and do not use a charger of another make.",
            "The contacts can be cleaned with a dry brush; never use oil on them.",
        ],
        articles: &[
            (
                "Range of the battery",
                "The stated range is measured at 20 °C in the level Eco with a rider of 75 kg. Cold, hills and high support reduce it.",
            ),
            (
                "Lights of the charger",
                "Green: full. Orange: charging. Red, three times: temperature. Red, steady: contact the service.",
            ),
            (
                "Warranty of the battery",
                "Two years or 500 cycles, whichever comes first, for at least 70 per cent of the capacity.",
            ),
        ],
    },
    Topic {
        name: "app",
        questions: &[
            "The app does not find my bicycle. Bluetooth is on.",
            "After the last update the app shows the wrong mileage.",
            "How do I share the bicycle with my wife in the app?",
            "I sold my bicycle. How do I remove it from my account?",
        ],
        facts: &[
            "Please switch the bicycle on and hold the button of the display for five seconds until it blinks blue.",
            "On Android the app also needs the permission Nearby devices, on iPhone Bluetooth and Local network.",
            "A bicycle pairs with one phone at a time, so close the app on the other phone first.",
            "The mileage is kept in the motor and is read anew within a minute of riding.",
            "Under Bicycle, Riders you can invite up to four people by e-mail.",
            "To hand a bicycle over choose Bicycle, Give away; the buyer then scans the code under the saddle.",
            "If it still does not pair, forget the device in the phone's settings and start again.",
            "Version 5.2 of the app mends a fault in which the list of devices stayed empty.",
        ],
        articles: &[
            (
                "Pairing your bicycle",
                "Switch on, hold the button for five seconds, open the app, choose Add bicycle. Stand within two metres.",
            ),
            (
                "Riders and sharing",
                "The owner invites riders by e-mail. Riders can unlock and see trips, but not change the firmware.",
            ),
        ],
    },
    Topic {
        name: "brakes",
        questions: &[
            "The front brake squeals since I rode in the rain.",
            "The brake lever goes down to the handlebar. Is it still safe to ride?",
            "How often do the pads have to be changed?",
        ],
        facts: &[
            "Squealing after rain is mostly a film of dirt on the disc and not dangerous.",
            "Clean the disc with the cleaner for brakes and a cloth that never saw oil.",
            "Then brake ten times from 20 km/h to walking speed without standing still, so that the pads bed in.",
            "If the lever touches the handlebar please do not ride: there is air or too little fluid in the line.",
            "Our partner workshops bleed a brake within a day; I can book an appointment for you.",
            "Pads last 1,500 to 3,000 km and must be changed when less than 1 mm is left.",
            "The marks on the pads are visible from above without tools.",
            "Never touch the disc after a long descent: it gets hotter than 200 °C.",
        ],
        articles: &[
            (
                "Brakes that squeal",
                "Dirt or oil on disc or pads. Clean, bed in, and change the pads if the noise stays.",
            ),
            ("Bleeding the brake", "Not a task for home: DOT fluid harms paint and skin. Book a workshop in the app."),
        ],
    },
    Topic {
        name: "warranty",
        questions: &[
            "The frame has a crack near the bottom bracket. Is this covered?",
            "My display went black after 26 months. Do I have to pay for a new one?",
            "Does the warranty go on if I buy the bicycle second-hand?",
        ],
        facts: &[
            "The frame has a warranty of five years, all other parts two.",
            "Please send us a photo of the crack with something for scale and the number under the bottom bracket.",
            "Until we have seen it please do not ride the bicycle.",
            "With the plan Care Plus electronic parts are covered for four years.",
            "The warranty belongs to the bicycle, so it goes on with a new owner once it was handed over in the app.",
            "Wear such as pads, tyres and chains is not covered.",
            "We answer a claim within two working days and send the part to a workshop near you.",
            "If a part is no longer made you get its successor.",
        ],
        articles: &[
            (
                "What the warranty covers",
                "Frame five years; motor, battery and display two; with Care Plus four. Wear and falls are not covered.",
            ),
            (
                "How to make a claim",
                "Photo, number of the frame and proof of purchase by e-mail or in the app under Service.",
            ),
        ],
    },
];
