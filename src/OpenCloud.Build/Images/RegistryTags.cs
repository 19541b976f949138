using System.Management.Automation;
using System.Runtime.CompilerServices;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Images.Registries;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Images;

/// <summary>A repository of a registry with the tags that are wanted: all, one, those that a pattern matches, or one digest.</summary>
internal sealed class RegistryTags
{
    private readonly ImageReference _repository;
    private readonly WildcardPattern? _pattern;

    private RegistryTags(ImageReference repository, WildcardPattern? pattern)
    {
        _repository = repository;
        _pattern = pattern;
    }

    /// <exception cref="BuildErrorException">The text is not a repository, with or without a tag.</exception>
    public static RegistryTags Parse(string text)
    {
        int colon = text.LastIndexOf(':');
        string pattern = colon > text.LastIndexOf('/') ? text[(colon + 1)..] : string.Empty;
        bool hasPattern = WildcardPattern.ContainsWildcardCharacters(pattern);
        string name = hasPattern ? text[..colon] : text;
        return ImageReference.TryParse(name, out ImageReference? reference, out ImageReferenceError? error) && reference.Domain.Length > 0
            ? new RegistryTags(reference, hasPattern ? WildcardPattern.Get(pattern, WildcardOptions.IgnoreCase | WildcardOptions.CultureInvariant) : null)
            : throw ErrorCatalog.InvalidImageReference.ToException(text, null, text, error?.ToString() ?? "its first component is not a registry");
    }

    /// <summary>The reference of one tag or digest; null when there can be several.</summary>
    public ImageReference? Single => _pattern is null && (_repository.Tag ?? _repository.Digest) is not null ? _repository : null;

    public async IAsyncEnumerable<ImageReference> ListAsync(RegistryClient registries, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (Single is { } one)
        {
            yield return one;
            yield break;
        }

        await foreach (string tag in registries.ListTagsAsync(_repository, cancellationToken).ConfigureAwait(false))
        {
            if (_pattern?.IsMatch(tag) != false)
            {
                yield return ImageReference.Parse($"{_repository.Name}:{tag}");
            }
        }
    }
}
