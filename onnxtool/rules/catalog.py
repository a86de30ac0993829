"""Every rule, in one table: to add one, write it in its family's module and list it here."""

from __future__ import annotations

from onnxtool.rules import (
    axes,
    bundle,
    contradictions,
    digests,
    files,
    folder,
    header,
    interface,
    joint,
    leftovers,
    metadata,
    properties,
    quantized,
    raw_logits,
    weights,
)
from onnxtool.rules.rule import Rule

CATALOG: tuple[Rule, ...] = (
    # Files, external data, hashes
    files.missing_external_file,
    files.short_external_file,
    files.external_length_unlike_shape,
    files.external_data_outside_folder,
    files.linked_external_file,
    folder.unreferenced_file,
    folder.shared_external_data,
    files.oversized_model_file,
    digests.unattested_weights,
    digests.digest_unlike_content,
    files.external_data_in_attribute,
    folder.unreadable_file,
    # Header and weights
    header.invalid_model,
    header.unsupported_version_or_domain,
    properties.missing_runtime_metadata,
    properties.misleading_url,
    leftovers.training_leftovers,
    weights.broken_weights,
    header.mixed_weight_types,
    leftovers.duplicate_weights,
    # Interface and dynamic axes
    interface.unlike_promised_interface,
    axes.static_axis,
    axes.static_length,
    axes.states_of_unlike_batch,
    interface.generated_public_name,
    interface.integer_type_unlike_target,
    interface.unused_input,
    interface.overridable_initializer,
    axes.one_symbol_for_two_sizes,
    # Joint and predictor
    raw_logits.normalized_joint_output,
    joint.unlike_vocabulary_size,
    joint.contradictory_blank,
    joint.impossible_durations,
    # Bundle and metadata
    metadata.incomplete_metadata,
    bundle.unfitting_graphs,
    metadata.contradictory_features,
    bundle.unusable_vocabulary,
    contradictions.contradictory_metadata,
    bundle.encoders_of_unlike_weights,
    bundle.mixed_exports,
    properties.missing_runtime_file,
    # Quantization
    quantized.quantized_in_name_only,
    quantized.risky_quantized_operator,
    quantized.operator_newer_than_target,
)
