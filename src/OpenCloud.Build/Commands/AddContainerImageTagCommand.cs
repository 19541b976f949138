using System.Management.Automation;
using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Completion;

namespace OpenCloud.Build.Commands;

/// <summary>Adds tags to an image.</summary>
[Cmdlet(VerbsCommon.Add, "ContainerImageTag", SupportsShouldProcess = true)]
[OutputType(typeof(ContainerImage))]
public sealed class AddContainerImageTagCommand : ImageNamingCmdlet
{
    /// <summary>The tags, or whole names.</summary>
    [Parameter(Position = 1)]
    [ArgumentCompleter(typeof(ImageTagCompleter))]
    public string[] Tag { get; set; } = [];

    private protected override string NewNameParameter => nameof(Tag);

    private protected override IReadOnlyList<string> NewNames => Tag;

    // A word alone is a tag of the image's own repository.
    private protected override ImageReference NewName(string text, string image) =>
        text.AsSpan().IndexOfAny('/', ':') < 0 && ImageReference.TryParse(image, out ImageReference? reference)
            ? ParseNewName($"{reference.Name}:{text}")
            : ParseNewName(text);
}
