using Konstruct.Gateway.Protocol;
using Konstruct.ServiceDefaults.Stores;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Konstruct.Gateway.Conversations;

/// <summary>Errors of the API: problem details (RFC 9457), each with one sentence in <c>detail</c>.</summary>
internal static class Problems
{
    private const int RetryAfterSeconds = 2;

    /// <summary>400: the request is wrong; a retry does not help.</summary>
    public static ProblemHttpResult BadRequest(string sentence) => TypedResults.Problem(sentence, statusCode: StatusCodes.Status400BadRequest);

    /// <summary>401: the caller is not authenticated.</summary>
    public static ProblemHttpResult Unauthorized(string sentence) => TypedResults.Problem(sentence, statusCode: StatusCodes.Status401Unauthorized);

    /// <summary>404: it does not exist for this tenant and user. Existing rows of others get the same answer.</summary>
    public static ProblemHttpResult NotFound() => TypedResults.Problem("The conversation does not exist.", statusCode: StatusCodes.Status404NotFound);

    /// <summary>413: the body is larger than <see cref="RequestReading.MaxBodyBytes"/>.</summary>
    public static ProblemHttpResult TooLarge() =>
        TypedResults.Problem($"The body is larger than {RequestReading.MaxBodyBytes} bytes.", statusCode: StatusCodes.Status413PayloadTooLarge);

    /// <summary>429: this user sends too many requests. The same request can succeed after <paramref name="wait"/>.</summary>
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

    /// <summary>Adds a sentence to errors that the framework returns before an endpoint runs.</summary>
    public static void Explain(ProblemDetails problem) =>
        problem.Detail ??= problem.Status switch
        {
            StatusCodes.Status404NotFound => "There is nothing at this address.",
            StatusCodes.Status405MethodNotAllowed => "This address does not take this method.",
            StatusCodes.Status415UnsupportedMediaType => "The body must be application/json.",
            >= StatusCodes.Status500InternalServerError => "Something is wrong with the service; its log says what.",
            _ => "The request is not valid.",
        };
}

/// <summary>
/// Handles invalid or interrupted HTTP requests (a short body, an invalid chunk, a slow body). They are the client's
/// fault: they get their status and one line at Debug. A stack trace for each could fill a disk.
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
        await TypedResults
            .Problem("The request is not valid HTTP, or its body did not come whole.", statusCode: bad.StatusCode)
            .ExecuteAsync(httpContext);
        return true;
    }

    private static partial class Log
    {
        [LoggerMessage(411, LogLevel.Debug, "A {Method} was answered with {Status}: {Reason}")]
        public static partial void Bad(ILogger logger, string method, int status, string reason);
    }
}

/// <summary>Turns an outage of a store into 503; a bug stays 500. Neither reveals the exception to the client.</summary>
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
