using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Konstruct.Contracts.Wire;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Konstruct.Gateway.Conversations.Api;

/// <summary>
/// Reads what clients send, after the caller is known: the framework's own binding would come before that, and would say less. Each answers what it read,
/// or the problem that the client is told.
/// </summary>
internal static class RequestReading
{
    /// <summary>Bytes of a request's body; a title and an agent's name fit many times.</summary>
    public const int MaxBodyBytes = 16 * 1024;

    private const int MaxCharacters = 200;

    public static ProblemHttpResult? ReadKey(HttpContext context, string id, out ConversationKey key)
    {
        var caller = context.Caller();
        var isId = WireGuid.TryParse(id, out var conversationId);
        key = new(caller.TenantId, caller.UserId, conversationId);
        return isId ? null : Problems.BadRequest("The conversation id is not a UUID.");
    }

    public static ProblemHttpResult? ReadPage(string? limit, string? cursor, int usual, out PageCursor after, out int most)
    {
        after = PageCursor.Start;
        most = usual;
        if (limit is not null && (!int.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out most) || most is 0 or > ConversationsApi.MaxPage))
        {
            return Problems.BadRequest($"The limit must be a number from 1 to {ConversationsApi.MaxPage}.");
        }

        return cursor is not null && !PageCursor.TryParse(cursor, out after)
            ? Problems.BadRequest("The cursor is not one that this service gave. Take 'next' of the page before, or leave it out for the first page.")
            : null;
    }

    /// <summary>The endpoint accepts nothing but JSON: routing has seen to that.</summary>
    public static async Task<(T? Body, ProblemHttpResult? Problem)> ReadBodyAsync<T>(HttpContext context, JsonTypeInfo<T> type) where T : class
    {
        try
        {
            var body = await JsonSerializer.DeserializeAsync(context.Request.Body, type, context.RequestAborted);
            return body is null ? (null, Problems.BadRequest("The body must be a JSON object.")) : (body, null);
        }
        catch (JsonException exception)
        {
            return (null, Problems.BadRequest($"The body is not the JSON object that is documented; the error is at {exception.Path ?? "$"}."));
        }
        catch (BadHttpRequestException exception) when (exception.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            return (null, Problems.TooLarge());
        }
    }

    /// <summary>Trims. <paramref name="text"/> is null when nothing is left of it.</summary>
    /// <param name="given">What came.</param>
    /// <param name="member">Its name, for the sentence.</param>
    /// <param name="isRequired">Whether nothing is a problem.</param>
    /// <param name="text">What is to be stored.</param>
    public static ProblemHttpResult? ReadText(string? given, string member, bool isRequired, out string? text)
    {
        text = given?.ToStorable().Trim();
        if (string.IsNullOrEmpty(text))
        {
            text = null;
            return isRequired ? Problems.BadRequest($"'{member}' is missing.") : null;
        }

        return text.Length > MaxCharacters ? Problems.BadRequest($"'{member}' is longer than {MaxCharacters} characters.") : null;
    }
}
