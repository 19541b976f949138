using System.Net;

namespace OpenCloud.Build.Client.Images.Docker;

/// <summary>A Docker Engine refused a request or failed at it.</summary>
public sealed class DockerEngineException : Exception
{
    /// <summary>Makes the exception.</summary>
    /// <param name="status">The HTTP status; nothing when the failure was told within an answer.</param>
    /// <param name="message">What the engine says.</param>
    public DockerEngineException(HttpStatusCode? status, string message)
        : base(message)
    {
        Status = status;
    }

    /// <summary>The HTTP status; nothing when the failure was told within an answer that had begun well.</summary>
    public HttpStatusCode? Status { get; }
}
