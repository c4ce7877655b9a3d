//! A network of a space: what stands in each of its layers.

use blocks::measurable::LayerInfo;

/// How a layer that is left out is called among the candidates of an architecture.
const NOTHING: &str = "skip";

/// In each layer one of its candidates, by its place, or nothing at all.
pub type Choice = Vec<Option<usize>>;

/// A choice of candidates as one in which no layer is left out.
pub fn full(places: &[usize]) -> Choice {
    places.iter().copied().map(Some).collect()
}

/// Whether networks that are measured may do without this layer: where the shapes allow it, and no candidate is nothing already, or is
/// called so.
pub fn may_be_nothing(layer: &LayerInfo) -> bool {
    layer.may_be_left_out && layer.candidates.iter().all(|candidate| !candidate.is_identity && candidate.name != NOTHING)
}

/// Whether nothing stands in that layer, or a candidate that does nothing.
pub fn is_nothing(layer: &LayerInfo, place: Option<usize>) -> bool {
    place.is_none_or(|place| layer.candidates[place].is_identity)
}

/// An architecture as tables list it: the names of its candidates, separated by blanks.
pub fn architecture(layers: &[LayerInfo], choice: &[Option<usize>]) -> String {
    let name =
        |(layer, place): (&LayerInfo, &Option<usize>)| place.map_or(NOTHING, |place| &layer.candidates[place].name).to_string();
    std::iter::zip(layers, choice).map(name).collect::<Vec<_>>().join(" ")
}

/// Reads an architecture as tables list it; `None` where it is none of these layers.
pub fn read(layers: &[LayerInfo], architecture: &str) -> Option<Choice> {
    let names: Vec<&str> = architecture.split(' ').collect();
    let place = |(layer, name): (&LayerInfo, &&str)| match layer.candidates.iter().position(|candidate| candidate.name == *name) {
        None if *name == NOTHING && layer.may_be_left_out => Some(None),
        place => place.map(Some),
    };
    if names.len() == layers.len() { std::iter::zip(layers, &names).map(place).collect() } else { None }
}

#[cfg(test)]
mod tests {
    use blocks::{Measurable, PrimitiveSpace, Space};

    use super::*;

    #[test]
    fn an_architecture_is_read_as_it_is_written() {
        let layers = PrimitiveSpace { space: Space::load("pfld").unwrap(), points: 106 }.layers();
        let choice = vec![Some(0), None, Some(3), Some(1), None];
        let text = architecture(&layers, &choice);
        assert_eq!(read(&layers, &text), Some(choice));
        assert_eq!(read(&layers, "skip skip skip skip skip"), None, "the third layer changes the shape");
        assert_eq!((read(&layers, &text[1..]), read(&layers, "skip")), (None, None));
    }

    #[test]
    fn a_layer_with_an_identity_is_not_left_out_in_another_way() {
        let space = "name = \"t\"\ninput = [8, 6, 6]\n[[stage]]\ncandidates = [\"skip\", \"sep_k3\"]\n\
                     layers = [{ c_in = 8, c_out = 8, stride = 1, h = 6, w = 6 }]\n";
        let layers = PrimitiveSpace { space: Space::parse(space, "t").unwrap(), points: 106 }.layers();
        assert!(layers[0].may_be_left_out && !may_be_nothing(&layers[0]));
        assert!(is_nothing(&layers[0], Some(0)) && is_nothing(&layers[0], None) && !is_nothing(&layers[0], Some(1)));
        assert_eq!(read(&layers, "skip"), Some(vec![Some(0)]));
    }
}
