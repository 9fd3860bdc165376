using Konstruct.Contracts.Wire;
using Konstruct.ServiceDefaults.Stores;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Konstruct.Gateway.Conversations.Api;

/// <summary>What a request of the API can be refused with: problem details (RFC 9457), each with one sentence for a person in <c>detail</c>.</summary>
internal static class Problems
{
    private const int RetryAfterSeconds = 2;

    /// <summary>400: the request itself is wrong; sending it again changes nothing.</summary>
    public static ProblemHttpResult BadRequest(string sentence) => TypedResults.Problem(sentence, statusCode: StatusCodes.Status400BadRequest);

    /// <summary>401: nobody known.</summary>
    public static ProblemHttpResult Unauthorized(string sentence) => TypedResults.Problem(sentence, statusCode: StatusCodes.Status401Unauthorized);

    /// <summary>404: it does not exist, or not for this tenant and user: the two are not told apart.</summary>
    public static ProblemHttpResult NotFound() => TypedResults.Problem("The conversation does not exist.", statusCode: StatusCodes.Status404NotFound);

    /// <summary>413: the body is larger than <see cref="RequestReading.MaxBodyBytes"/>.</summary>
    public static ProblemHttpResult TooLarge() =>
        TypedResults.Problem($"The body is larger than {RequestReading.MaxBodyBytes} bytes.", statusCode: StatusCodes.Status413PayloadTooLarge);

    /// <summary>429: this user asks too often. The same request can succeed after <paramref name="wait"/>.</summary>
    public static ProblemHttpResult TooMany(HttpContext context, TimeSpan wait)
    {
        context.Response.Headers.RetryAfter = $"{Math.Ceiling(wait.TotalSeconds):0}";
        return TypedResults.Problem(WireError.TooManyRequests.Message, statusCode: StatusCodes.Status429TooManyRequests);
    }

    /// <summary>503: a store is down or too slow, or the gateway is starting. The same request can succeed later.</summary>
    public static ProblemHttpResult Unavailable(HttpContext context)
    {
        context.Response.Headers.RetryAfter = $"{RetryAfterSeconds}";
        return TypedResults.Problem("The service cannot do this right now. Please try again.", statusCode: StatusCodes.Status503ServiceUnavailable);
    }

    /// <summary>Adds the sentence to what the framework refuses, before any endpoint has a say.</summary>
    public static void Explain(ProblemDetails problem) => problem.Detail ??= problem.Status switch
    {
        StatusCodes.Status404NotFound => "There is nothing at this address.",
        StatusCodes.Status405MethodNotAllowed => "This address does not take this method.",
        StatusCodes.Status415UnsupportedMediaType => "The body must be application/json.",
        >= StatusCodes.Status500InternalServerError => "Something is wrong with the service; its log says what.",
        _ => "The request is not valid.",
    };
}

/// <summary>
/// A request that is no HTTP or breaks off (a body that ends early, a chunk that is none, a body that is too slow) is the client's doing: its status, and a line
/// at Debug. A stack trace for each would fill a disk.
/// </summary>
internal sealed partial class BadRequestHandler(ILogger<BadRequestHandler> logger) : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        if (exception is not BadHttpRequestException bad)
        {
            return false;
        }

        Log.Bad(logger, httpContext.Request.Method, bad.StatusCode, bad.Message);
        await TypedResults.Problem("The request is not valid HTTP, or its body did not come whole.", statusCode: bad.StatusCode).ExecuteAsync(httpContext);
        return true;
    }

    private static partial class Log
    {
        [LoggerMessage(411, LogLevel.Debug, "A {Method} was answered with {Status}: {Reason}")]
        public static partial void Bad(ILogger logger, string method, int status, string reason);
    }
}

/// <summary>A store that is down becomes 503; a bug stays 500. Neither tells a client anything of the exception.</summary>
internal sealed partial class StoreOutageHandler(ILogger<StoreOutageHandler> logger) : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        if (!exception.IsOutage())
        {
            return false;
        }

        Log.Unavailable(logger, httpContext.Request.Method, exception.Message);
        await Problems.Unavailable(httpContext).ExecuteAsync(httpContext);
        return true;
    }

    private static partial class Log
    {
        [LoggerMessage(410, LogLevel.Warning, "A {Method} was answered with 503, a store cannot be reached: {Reason}")]
        public static partial void Unavailable(ILogger logger, string method, string reason);
    }
}
