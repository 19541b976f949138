using System.Management.Automation;
using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Images;

/// <summary>Matches stored names with requested ones, which may be full or in the familiar short form.</summary>
internal sealed class ImageNames
{
    private readonly List<Pattern> _patterns;

    public ImageNames(IEnumerable<string> names) => _patterns = [.. names.Select(static n => new Pattern(n))];

    /// <summary>Whether the name is requested; always true when no name was given.</summary>
    public bool Matches(string stored) => _patterns.Count == 0 || _patterns.Exists(p => p.Matches(stored));

    /// <summary>The requested names without wildcards that have not matched.</summary>
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
            // Some stores contain names with wildcard characters, which then match literally.
            bool matches = stored == text || (HasWildcards ? MatchesWildcard(stored) : MatchesReference(stored));
            HasMatched |= matches;
            return matches;
        }

        private bool MatchesWildcard(string stored) =>
            _wildcard.IsMatch(stored)
            || (ImageReference.TryParse(stored, out ImageReference? reference) && (_wildcard.IsMatch(reference.ToFamiliarString()) || _wildcard.IsMatch(reference.FamiliarName)));

        // A name without a tag matches every tag of the repository, as in docker.
        private bool MatchesReference(string stored) =>
            _reference is not null
            && ImageReference.TryParse(stored, out ImageReference? reference)
            && reference.Name == _reference.Name
            && (_reference.Tag is null || _reference.Tag == reference.Tag)
            && (_reference.Digest is null || _reference.Digest == reference.Digest);
    }
}
