"""Write the corpus: `python -m tests.hostile.build FOLDER`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from . import bundles, external, files, graphs, links, names, protobuf, sizes
from .case import Case

# Writes what it needs into the folder it is given, which is empty and has the name of the case.
Builder = Callable[[Path], Case]

FILES: tuple[Builder, ...] = (
    files.missing_path,
    files.missing_path_of_two_lines,
    files.path_with_nul,
    files.path_too_long,
    files.path_through_file,
    files.broken_symlink,
    files.symlink_loop,
    files.unreadable_file,
    files.file_in_unreadable_folder,
    files.named_pipe,
    files.dev_zero,
    files.empty_file,
    files.text_file,
    files.git_lfs_pointer,
    files.html_page,
    files.html_page_after_blank_lines,
    files.json_file,
    files.zip_archive,
    files.tar_archive,
    files.gzip_file,
    files.ort_format,
)
PROTOBUF: tuple[Builder, ...] = (
    protobuf.cut_at_10_percent,
    protobuf.cut_at_50_percent,
    protobuf.cut_at_90_percent,
    protobuf.cut_inside_weight,
    protobuf.cut_one_byte_short,
    protobuf.cut_before_graph,
    protobuf.cut_after_graph,
    protobuf.zeros,
    protobuf.zeros_2_gb,
    protobuf.zeros_after_first_page,
    protobuf.random_bytes,
    protobuf.length_of_2_to_62,
    protobuf.length_of_2_to_64,
    protobuf.number_of_eleven_bytes,
    protobuf.field_number_0,
    protobuf.wire_type_7,
    protobuf.endless_group,
    protobuf.no_graph,
    protobuf.graph_is_a_number,
    protobuf.tensor_file,
    protobuf.nested_30,
    protobuf.nested_40,
    protobuf.nested_1000,
    protobuf.nested_types_1000,
)
SIZES: tuple[Builder, ...] = (
    sizes.larger_than_2_gib,
    sizes.doc_string_of_100_mb,
    sizes.doc_string_of_600_mb,
    sizes.packed_integers_of_200_mb,
    sizes.doc_string_of_100_mb_in_node,
    sizes.external_of_1_gb,
    sizes.twenty_thousand_generated_names,
    sizes.half_a_million_nodes,
)
EXTERNAL: tuple[Builder, ...] = (
    external.external_missing,
    external.external_missing_in_constant,
    external.external_missing_in_subgraph,
    external.external_missing_in_sparse,
    external.external_one_byte_short,
    external.external_empty,
    external.external_is_lfs_pointer,
    external.external_offset_beyond_end,
    external.external_offset_of_2_to_62,
    external.external_offset_of_thousand_digits,
    external.external_offset_negative,
    external.external_offset_not_a_number,
    external.external_length_too_small,
    external.external_length_negative,
    external.external_length_not_a_number,
    external.external_without_location,
    external.external_location_empty,
    external.external_location_with_nul,
    external.external_location_too_long,
    external.external_location_absolute,
    external.external_location_of_windows,
    external.external_location_in_parent,
    external.external_location_in_parent_of_windows,
    external.external_location_is_folder,
    external.external_location_is_model_folder,
    external.external_unreadable,
    external.external_location_is_pipe,
    external.external_shape_overflows,
    external.external_claims_to_be_embedded,
)
LINKS: tuple[Builder, ...] = (
    links.link_inside_folder,
    links.link_to_outside,
    links.link_to_outside_by_folder,
    links.link_to_dev_zero,
    links.link_to_itself,
    links.link_to_nothing,
    links.hard_link,
    links.hugging_face_cache,
    links.hugging_face_cache_of_another,
)
GRAPHS: tuple[Builder, ...] = (
    graphs.no_nodes,
    graphs.node_without_operator,
    graphs.no_opsets,
    graphs.two_models_joined,
    graphs.duplicate_values,
    graphs.duplicate_initializers,
    graphs.duplicate_node_names,
    graphs.value_from_nowhere,
    graphs.value_from_nowhere_in_subgraph,
    graphs.output_from_nowhere,
    graphs.cycle,
    graphs.not_in_order,
    graphs.recursive_functions,
    graphs.functions_that_double,
    graphs.functions_in_a_row,
    graphs.function_from_elsewhere,
    graphs.negative_dimension,
    graphs.raw_data_too_short,
    graphs.raw_data_too_short_and_large,
    graphs.raw_data_shape_overflows,
    graphs.branch_missing,
    graphs.split_into_more_than_declared,
    graphs.versions_from_the_future,
    graphs.unknown_element_type,
    graphs.unknown_element_type_of_input,
)
NAMES: tuple[Builder, ...] = (
    names.ansi_colour,
    names.terminal_title,
    names.c1_controls,
    names.line_breaks,
    names.carriage_return,
    names.nul_and_tab,
    names.right_to_left,
    names.markup,
    names.markup_unbalanced,
    names.markup_link,
    names.format_fields,
    names.html_tags,
    names.empty_names,
    names.ten_thousand_characters,
    names.slashes,
    names.capitals,
    names.external_file_of_odd_name,
    names.external_file_of_odd_name_missing,
    names.file_name_with_controls,
    names.file_name_not_utf8,
    names.utf8_invalid_in_input,
    names.utf8_invalid_in_node,
    names.utf8_invalid_in_operator,
    names.utf8_invalid_in_initializer,
    names.utf8_invalid_in_location,
    names.utf8_invalid_in_offset,
    names.utf8_invalid_in_symbol,
    names.utf8_invalid_in_metadata,
)
BUNDLES: tuple[Builder, ...] = (
    bundles.folder_empty,
    bundles.folder_without_graphs,
    bundles.folder_unreadable,
    bundles.folder_with_graphs_below,
    bundles.folder_of_broken_graphs,
    bundles.folder_with_a_broken_graph,
    bundles.folder_with_odd_graphs,
    bundles.folder_of_a_graphs_name,
    bundles.folder_with_external_in_parent,
    bundles.folder_with_external_through_link,
    bundles.folder_with_external_too_long,
    bundles.folder_with_external_of_nul,
    bundles.metadata_not_json,
    bundles.metadata_nested,
    bundles.metadata_of_long_number,
    bundles.metadata_not_utf8,
    bundles.metadata_of_zeros,
    bundles.metadata_of_odd_text,
    bundles.metadata_of_infinity,
    bundles.metadata_is_pipe,
    bundles.vocabulary_of_long_number,
    bundles.vocabulary_with_gap,
    bundles.vocabulary_not_utf8,
)

BUILDERS: tuple[Builder, ...] = (
    *FILES,
    *PROTOBUF,
    *SIZES,
    *EXTERNAL,
    *LINKS,
    *GRAPHS,
    *NAMES,
    *BUNDLES,
)


def case_name(builder: Builder) -> str:
    """The name of the case that a builder builds."""
    return builder.__name__.replace("_", "-")


def build(folder: Path) -> tuple[Case, ...]:
    """Write every case into a folder of its own in `folder`, in the order of `BUILDERS`.

    Raises:
        FileExistsError: One of them is there already.
    """
    return tuple(_build(folder, builder) for builder in BUILDERS)


def _build(folder: Path, builder: Builder) -> Case:
    place = folder / case_name(builder)
    place.mkdir(parents=True)
    return builder(place)


def main() -> None:
    """Write the corpus into the folder that the command line names, and list it."""
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m tests.hostile.build FOLDER")
    for case in build(Path(sys.argv[1])):
        sys.stdout.write(f"{case.outcome:8} {str(case.path)!a}\n")


if __name__ == "__main__":
    main()
