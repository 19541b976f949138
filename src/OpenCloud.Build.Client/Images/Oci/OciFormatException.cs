namespace OpenCloud.Build.Client.Images.Oci;

/// <summary>An image does not match its format or its digest.</summary>
public sealed class OciFormatException : Exception
{
    /// <summary>Creates the exception.</summary>
    public OciFormatException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with its cause.</summary>
    public OciFormatException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
