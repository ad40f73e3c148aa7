use super::super::Phone;
use super::*;

/// Numbers people have, in the forms WhatsApp knows them by. A refused one is a customer lost.
#[test]
fn keeps_every_digit_of_numbers_that_exist() {
    let numbers = [
        ("+12025550123", "United States"),
        ("+18765550123", "Jamaica, by the code of the United States"),
        ("+77011234567", "Kazakhstan, by the code of Russia"),
        ("+79161234567", "Russia"),
        ("+201001234567", "Egypt"),
        ("+27821234567", "South Africa"),
        ("+33612345678", "France"),
        ("+33700000001", "France, a range not given out"),
        ("+390612345678", "Italy, fixed: the zero stays"),
        ("+393471234567", "Italy, mobile"),
        ("+393331234", "Italy, old and short"),
        ("+37861234567", "San Marino"),
        ("+3780549886377", "San Marino, by way of Italy"),
        ("+436641234567", "Austria"),
        ("+4366412345678", "Austria, one digit more"),
        ("+447911123456", "United Kingdom"),
        ("+4915112345678", "Germany"),
        ("+491701234567", "Germany, one digit less"),
        ("+49301234", "Germany, old and short"),
        ("+525512345678", "Mexico"),
        ("+5215512345678", "Mexico, with the 1 of mobiles"),
        ("+541112345678", "Argentina, fixed"),
        ("+5491112345678", "Argentina, with the 9 of mobiles"),
        ("+551132654321", "Brazil, fixed"),
        ("+5511987654321", "Brazil, with the ninth digit"),
        ("+553187654321", "Brazil, without the ninth digit"),
        ("+56912345678", "Chile"),
        ("+573001234567", "Colombia"),
        ("+584121234567", "Venezuela"),
        ("+51912345678", "Peru"),
        ("+6281234567890", "Indonesia"),
        ("+628123456789", "Indonesia, one digit less"),
        ("+60123456789", "Malaysia"),
        ("+601112345678", "Malaysia, one digit more"),
        ("+639171234567", "Philippines"),
        ("+6591234567", "Singapore"),
        ("+819012345678", "Japan"),
        ("+821012345678", "Korea"),
        ("+84912345678", "Vietnam"),
        ("+8613812345678", "China"),
        ("+85291234567", "Hong Kong"),
        ("+886912345678", "Taiwan"),
        ("+905321234567", "Turkey"),
        ("+919876543210", "India"),
        ("+923001234567", "Pakistan"),
        ("+212612345678", "Morocco"),
        ("+221770000000", "Senegal"),
        ("+2250707070707", "Ivory Coast: the zero stays"),
        ("+2290197123456", "Benin: the zero stays"),
        ("+22997123456", "Benin, before the zero came"),
        ("+233241234567", "Ghana"),
        ("+2348031234567", "Nigeria"),
        ("+24107123456", "Gabon, before 2019"),
        ("+24174123456", "Gabon"),
        ("+242061234567", "Congo: the zero stays"),
        ("+243812345678", "Congo, Democratic Republic"),
        ("+254712345678", "Kenya"),
        ("+2905012", "Saint Helena, seven digits in all"),
        ("+351912345678", "Portugal"),
        ("+358401234567", "Finland"),
        ("+38344123456", "Kosovo"),
        ("+966501234567", "Saudi Arabia"),
        ("+971501234567", "United Arab Emirates"),
        ("+972501234567", "Israel"),
        ("+80012345678", "freephone of the world"),
        ("+870773123456", "Inmarsat"),
        ("+881612345678", "Iridium"),
        ("+8835100123456", "a network of no country"),
        ("+979123456789", "premium rate of the world"),
    ];
    for (number, whose) in numbers {
        let read = Phone::parse(number).map(|it| it.to_string());
        assert_eq!(read.as_deref(), Ok(number), "{whose}");
    }
}

#[test]
fn refuses_what_cannot_be_reached_and_says_why() {
    let numbers = [
        ("+3361234567", InvalidPhone::TooShort),
        ("+336123456789", InvalidPhone::TooLong),
        ("+1202555012", InvalidPhone::TooShort),
        ("+120255501234", InvalidPhone::TooLong),
        ("+12345678", InvalidPhone::LocalOnly),
        ("+22612345678901", InvalidPhone::TooLong),
        ("+862112345678901", InvalidPhone::TooLong),
        ("+401234567", InvalidPhone::OddLength),
        // The 1 of mobiles, in front of too much or too little.
        ("+52155123456789", InvalidPhone::TooLong),
        ("+52255123456789", InvalidPhone::TooLong),
        ("+210123456789", InvalidPhone::UnknownCountry),
        ("+999123456789", InvalidPhone::UnknownCountry),
        ("+44 (0) 20 7946 0958", InvalidPhone::NationalZero),
        ("+49 (0) 151 12345678", InvalidPhone::NationalZero),
        ("+33 06 12 34 56 78", InvalidPhone::NationalZero),
        ("+86 013812345678", InvalidPhone::NationalZero),
    ];
    for (number, why) in numbers {
        assert_eq!(Phone::parse(number), Err(why), "{number}");
    }
}
