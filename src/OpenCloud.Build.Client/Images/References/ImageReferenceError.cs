using System.Globalization;

namespace OpenCloud.Build.Client.Images.References;

/// <summary>Why a text is not an image reference.</summary>
/// <param name="Position">Where the error shows in the text, in characters from 0; the text's length when something is missing at the end.</param>
/// <param name="Reason">The problem, in words that fit after a colon.</param>
public sealed record ImageReferenceError(int Position, string Reason)
{
    /// <summary>Reason and place.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Reason} (character {Position + 1})");
}

/// <summary>A text is not an image reference.</summary>
public sealed class ImageReferenceException : FormatException
{
    internal ImageReferenceException(string text, ImageReferenceError error)
        : base($"Invalid image reference '{text}': {error}")
    {
        Text = text;
        Error = error;
    }

    /// <summary>The text.</summary>
    public string Text { get; }

    /// <summary>The problem.</summary>
    public ImageReferenceError Error { get; }
}
