using System.Management.Automation;
using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Client.Images.Attestations;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Images.Registries;
using OpenCloud.Build.Client.Records;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Commands;

/// <summary>Gets the attestations of images.</summary>
[Cmdlet(VerbsCommon.Get, "ContainerImageAttestation", DefaultParameterSetName = NameSet)]
[OutputType(typeof(ContainerImageAttestation))]
public sealed class GetContainerImageAttestationCommand : ImageSourceCmdlet
{
    /// <summary>The kinds.</summary>
    [Parameter]
    public AttestationKind[]? Kind { get; set; }

    /// <inheritdoc/>
    private protected override async Task ReadAsync(
        OpenedImage image, string name, RegistryImage? registry, IReadOnlyList<Platform> platforms, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        Write(await AttestationReader.ReadAsync(image, name, platforms, Kind ?? [], cancellationToken).ConfigureAwait(false), poster);
        if (registry is not null && (Kind is not { Length: > 0 } || Kind.Contains(AttestationKind.Signature)))
        {
            Write(await Registries.ListSignaturesAsync(registry, cancellationToken).ConfigureAwait(false), poster);
        }
    }

    /// <inheritdoc/>
    private protected override void ReadAttestations(BuildRecord record, IReadOnlyList<ContainerImageAttestation> attestations, IPipelinePoster poster) =>
        Write(attestations, poster);

    private void Write(IEnumerable<ContainerImageAttestation> attestations, IPipelinePoster poster)
    {
        foreach (ContainerImageAttestation attestation in attestations.Where(a => Kind is not { Length: > 0 } || Kind.Contains(a.Kind)))
        {
            poster.Output(attestation);
        }
    }
}
