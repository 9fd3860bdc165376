using Konstruct.Tests.Conversations;
using Konstruct.Tests.Harness;

namespace Konstruct.Tests.Storage;

/// <summary>A person with a conversation: one answer in it, another being written.</summary>
internal sealed record Victim(Person Person, Guid Conversation, Guid Question, Guid Answer, Guid Turn, Guid LiveAnswer, Guid LiveTurn)
{
    public const string Secret = "/burst 3 the secret of B";

    public static async Task<Victim> CreateAsync(Pipeline pipeline)
    {
        var person = Person.New();
        var conversation = await new ApiClient(pipeline.Gateway, person).CreateAsync("the title of B");
        await using var chat = await RawChat.OpenAsync(pipeline.Gateway, person, conversation);
        await chat.SayAsync(Secret);
        await chat.ReceiveTurnAsync();
        await chat.SayAsync("/silent");
        await Until.TrueAsync(async () => await pipeline.Sql.MessageCountAsync(person.Tenant) == 4);

        Task<Guid> Id(string column, string role) =>
            pipeline.Sql.ScalarAsync<Guid>(
                $"SELECT {column} FROM web_conversation_messages WHERE conversation_id = $1 AND role = '{role}' ORDER BY created_at LIMIT 1",
                conversation
            );
        Task<Guid> LiveId(string column) =>
            pipeline.Sql.ScalarAsync<Guid>($"SELECT {column} FROM web_turns WHERE conversation_id = $1", conversation);
        return new(
            person,
            conversation,
            await Id("id", "user"),
            await Id("id", "assistant"),
            await Id("turn_id", "assistant"),
            await LiveId("answer_id"),
            await LiveId("turn_id")
        );
    }

    /// <summary>Everything that is stored in the conversation, by whomever, as one text: what no attack may change.</summary>
    public Task<string> SnapshotAsync(Sql sql) =>
        sql.ScalarAsync<string>(
            """
            SELECT (SELECT string_agg(c::text, E'\n' ORDER BY c.id) FROM web_conversations c WHERE c.id = $1)
                || (SELECT string_agg(m::text, E'\n' ORDER BY m.id) FROM web_conversation_messages m WHERE m.conversation_id = $1)
                || (SELECT string_agg(t::text, E'\n' ORDER BY t.turn_id) FROM web_turns t WHERE t.conversation_id = $1)
            """,
            Conversation
        );
}
