using OpenCloud.Build.Client.Images.Attestations;

namespace OpenCloud.Build.Images;

/// <summary>The images of which attestations came through the pipeline, and whether an SBOM was among them.</summary>
internal sealed class PipedAttestations
{
    private readonly List<(string Image, string Platform)> _order = [];
    private readonly HashSet<(string Image, string Platform)> _known = [];
    private readonly HashSet<(string Image, string Platform)> _withSbom = [];

    public void Add(ContainerImageAttestation attestation)
    {
        (string, string) about = (attestation.Image, attestation.Platform);
        if (_known.Add(about))
        {
            _order.Add(about);
        }

        if (attestation.Kind == AttestationKind.Sbom)
        {
            _withSbom.Add(about);
        }
    }

    /// <summary>The images and platforms without an SBOM. A signature of a whole image has no platform.</summary>
    public IEnumerable<(string Image, string Platform)> WithoutSbom() =>
        from images in _order.GroupBy(static about => about.Image)
        let bare = images.Where(about => !_withSbom.Contains(about)).ToList()
        from about in bare.Count == images.Count() ? [(images.Key, string.Empty)] : bare.Where(static about => about.Platform.Length > 0)
        select about;
}
