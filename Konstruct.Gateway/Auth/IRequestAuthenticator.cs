namespace Konstruct.Gateway.Auth;

/// <summary>Decides who sends a request of the HTTP API.</summary>
internal interface IRequestAuthenticator
{
    /// <summary>The scheme, for <c>WWW-Authenticate</c>.</summary>
    string Scheme { get; }

    /// <summary>The caller, or a sentence that says what is missing. Never throws for what a client sent.</summary>
    RequestAuthResult Authenticate(HttpRequest request);
}

/// <summary>What became of a request's credentials: exactly one of the two.</summary>
internal readonly record struct RequestAuthResult(Identity? Identity, string? Error);
