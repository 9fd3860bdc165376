using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Konstruct.Contracts.Wire;
using Konstruct.Gateway.Protocol;
using Konstruct.Gateway.Storage;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Konstruct.Gateway.Conversations;

/// <summary>
/// Reads request data after the caller is authenticated. The framework's binding would run before that and
/// give poorer errors. Each method returns the value or the problem for the client.
/// </summary>
internal static class RequestReading
{
    /// <summary>Maximum size of a request body in bytes; titles and agent names are much smaller.</summary>
    public const int MaxBodyBytes = 16 * 1024;

    /// <summary>Maximum length of a title, a part of one, or an agent, in UTF-16 units after trimming.</summary>
    public const int MaxCharacters = 200;

    public static ProblemHttpResult? ReadKey(HttpContext context, string id, out ConversationKey key)
    {
        var isId = WireGuid.TryParse(id, out var conversationId);
        key = new(context.Caller().TenantId, conversationId);
        return isId ? null : Problems.BadRequest("The conversation id is not a UUID.");
    }

    public static ProblemHttpResult? ReadPage(string? limit, string? cursor, int usual, out PageCursor after, out int most)
    {
        after = PageCursor.Start;
        most = usual;
        if (
            limit is not null
            && (!int.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out most) || most is 0 or > ConversationsApi.MaxPage)
        )
        {
            return Problems.BadRequest($"The limit must be a number from 1 to {ConversationsApi.MaxPage}.");
        }

        return cursor is not null && !PageCursor.TryParse(cursor, out after)
            ? Problems.BadRequest("The cursor is not one that this service gave. Take 'next' of the page before, or leave it out for the first page.")
            : null;
    }

    /// <summary>Routing has already required JSON.</summary>
    public static async Task<(T? Body, ProblemHttpResult? Problem)> ReadBodyAsync<T>(HttpContext context, JsonTypeInfo<T> type)
        where T : class
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

    /// <summary>Reads and trims a text. <paramref name="text"/> is null when it is empty.</summary>
    /// <param name="given">The member's value.</param>
    /// <param name="member">The member's name, for the error.</param>
    /// <param name="isRequired">Whether an empty text is an error.</param>
    /// <param name="text">The text to store.</param>
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
