using System.Management.Automation;
using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Images;

/// <summary>Whether a stored name is one of those asked for, whole or as short as people write it.</summary>
internal sealed class ImageNames
{
    private readonly List<Pattern> _patterns;

    public ImageNames(IEnumerable<string> names) => _patterns = [.. names.Select(static n => new Pattern(n))];

    /// <summary>Whether the name is asked for; every one is when none was given.</summary>
    public bool Matches(string stored) => _patterns.Count == 0 || _patterns.Exists(p => p.Matches(stored));

    /// <summary>The names given without wildcards which nothing has matched.</summary>
    public IEnumerable<string> Unmatched => _patterns.Where(static p => !p.HasWildcards && !p.HasMatched).Select(static p => p.Text);

    private sealed class Pattern(string text)
    {
        private readonly WildcardPattern _wildcard = WildcardPattern.Get(text, WildcardOptions.IgnoreCase | WildcardOptions.CultureInvariant);
        private readonly ImageReference? _reference = ImageReference.TryParse(text, out ImageReference? reference) ? reference : null;

        public string Text => text;

        public bool HasWildcards { get; } = WildcardPattern.ContainsWildcardCharacters(text);

        public bool HasMatched { get; private set; }

        public bool Matches(string stored)
        {
            // Some stores hold names with wildcards in them, which mean themselves then.
            bool matches = stored == text || (HasWildcards ? MatchesWildcard(stored) : MatchesReference(stored));
            HasMatched |= matches;
            return matches;
        }

        private bool MatchesWildcard(string stored) =>
            _wildcard.IsMatch(stored)
            || (ImageReference.TryParse(stored, out ImageReference? reference) && (_wildcard.IsMatch(reference.ToFamiliarString()) || _wildcard.IsMatch(reference.FamiliarName)));

        // A name without a tag means every tag of the repository, as with docker.
        private bool MatchesReference(string stored) =>
            _reference is not null
            && ImageReference.TryParse(stored, out ImageReference? reference)
            && reference.Name == _reference.Name
            && (_reference.Tag is null || _reference.Tag == reference.Tag)
            && (_reference.Digest is null || _reference.Digest == reference.Digest);
    }
}
