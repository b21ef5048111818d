const PEOPLE = [{ id: 'alice', name: 'Alice' }, { id: 'bob', name: 'Bob' }]

/** Two people, each in a page with a store, a socket and switches of their own. */
export const SplitView = () => (
  <main className="split">
    <header className="split-header">
      <h1>redux-chat</h1>
      <p>Two people, two Redux stores, one Socket.IO server. Send a message and watch its ticks; cut the network, send five, reload, and restore it.</p>
    </header>
    {PEOPLE.map(({ id, name }) => (
      <section key={id} aria-label={name}>
        <iframe title={`${name}'s chat`} src={`?user=${id}&embedded`} />
        <a href={`?user=${id}`} target="_blank" rel="noreferrer">Open {name} in a window</a>
      </section>
    ))}
  </main>
)
