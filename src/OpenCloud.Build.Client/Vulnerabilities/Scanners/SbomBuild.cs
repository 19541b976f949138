using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Client.Images.Attestations;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Progress;

namespace OpenCloud.Build.Client.Vulnerabilities.Scanners;

/// <summary>Lets an engine's scanner make the SBOMs of the platforms of an image that have none: a build that only starts from their files.</summary>
/// <remarks>moby/buildkit, docs/attestations/sbom.md and sbom-protocol.md.</remarks>
public static class SbomBuild
{
    private const string Context = "scanned";

    /// <summary>Makes the SBOMs of the platforms of an image that have none.</summary>
    /// <param name="engine">The engine. It pulls the scanner's image, unless it has it.</param>
    /// <param name="image">The image.</param>
    /// <param name="name">The name of the image in the results.</param>
    /// <param name="generator">The scanner's image; null for the one of the engine.</param>
    /// <param name="platforms">The platforms; all when empty.</param>
    /// <param name="existing">The SBOMs that the image has.</param>
    /// <param name="credentials">Credentials for the scanner's image, by registry.</param>
    /// <param name="observer">Gets the progress of the builds; may be null.</param>
    /// <param name="cancellationToken">Cancels the build.</param>
    /// <exception cref="VulnerabilityScanException">The engine did not make an SBOM.</exception>
    /// <exception cref="OciFormatException">The image is damaged.</exception>
    public static async Task<IReadOnlyList<ContainerImageAttestation>> RunAsync(
        BuildKitClient engine,
        OpenedImage image,
        string name,
        string? generator,
        IReadOnlyList<Platform> platforms,
        IReadOnlyList<ContainerImageAttestation> existing,
        IReadOnlyDictionary<string, RegistryCredential> credentials,
        IBuildObserver? observer,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(engine);
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(existing);
        List<ContainerImageAttestation> made = [];
        IReadOnlyList<PlatformImage> present = await PlatformImage.ListAsync(image, platforms, cancellationToken).ConfigureAwait(false);
        foreach (PlatformImage platform in present.Where(p => !SbomCoverage.Includes(existing, p.Digest, present.Count)))
        {
            using PrivateFolder folder = new();
            string layout = Path.Combine(folder.Path, "image");
            string context = Directory.CreateDirectory(Path.Combine(folder.Path, "context")).FullName;
            string archive = Path.Combine(folder.Path, "result.tar");
            ContentDigest files = await platform.WriteFilesAsync(layout, cancellationToken).ConfigureAwait(false);
            ImageBuildRequest request = new()
            {
                ContextPath = context,
                DockerfileText = $"FROM {Context}\n",
                NamedContexts = new Dictionary<string, string> { [Context] = $"oci-layout://{layout}@{files}" },
                Platforms = platform.Platform is { } of ? [of.ToString()] : [],
                Attestations = [new ImageAttestation(ImageAttestation.Sbom, generator is null ? new Dictionary<string, string>() : new Dictionary<string, string> { ["generator"] = generator })],
                Outputs = [new BuildOutput { Type = BuildOutput.Oci, Destination = archive }],
                RegistryCredentials = credentials,
            };
            try
            {
                _ = await engine.BuildAsync(request, observer, cancellationToken).ConfigureAwait(false);
            }
            catch (ImageBuildException failure)
            {
                throw new VulnerabilityScanException(
                    VulnerabilityScanFailure.SbomNotMade, $"The engine {engine.Address} did not make an SBOM of '{name}': {failure.Message.TrimEnd('.')}.", failure);
            }

            int before = made.Count;
            using ImageArchive result = await ImageArchive.OpenAsync(archive, cancellationToken).ConfigureAwait(false);
            foreach (ArchivedImage archived in result.Images)
            {
                made.AddRange(await AttestationReader.ReadAsync(OpenedImage.Of(result, archived), name, [], [AttestationKind.Sbom], cancellationToken).ConfigureAwait(false));
            }

            if (made.Count == before)
            {
                throw new VulnerabilityScanException(VulnerabilityScanFailure.SbomNotMade, $"The engine {engine.Address} built the image '{name}' without an SBOM.");
            }
        }

        return made;
    }
}
