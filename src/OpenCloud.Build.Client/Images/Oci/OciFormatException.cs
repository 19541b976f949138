namespace OpenCloud.Build.Client.Images.Oci;

/// <summary>An image, or what ought to be one, is not what its format or its digest says.</summary>
public sealed class OciFormatException : Exception
{
    /// <summary>Makes the exception.</summary>
    public OciFormatException(string message)
        : base(message)
    {
    }

    /// <summary>Makes the exception with its cause.</summary>
    public OciFormatException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
